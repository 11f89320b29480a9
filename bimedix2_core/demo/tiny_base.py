"""Tiny base: what CLIP and Llama 3.1 are to the real recipe, small enough to ship and to train on a laptop.

``build`` makes it from nothing: a byte-level BPE tokenizer, a CLIP vision model trained contrastively on phantoms, a
Llama trained on bilingual text only (never on an image), joined by an untrained projector. It stands in
``base/`` and is what Stage 1 finds. Its card says what it was made with, and holds the content key of the code that
made it.

Rebuild with ``python -m bimedix2_core.demo.tiny_base`` (or ``make base``).
"""

import argparse
import ast
import hashlib
import json
import platform
import random
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import tokenizers
import torch
import transformers
import yaml
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import Tensor, nn
from tqdm.auto import tqdm
from transformers import (
    CLIPImageProcessorPil,
    CLIPTextConfig,
    CLIPTextModelWithProjection,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from bimedix2_core.data.chat import CHAT_TEMPLATE, END_OF_TURN, IGNORE_INDEX, IMAGE_TOKEN, Encoded, encode
from bimedix2_core.demo import corpus, phantoms
from bimedix2_core.demo.corpus import Twin
from bimedix2_core.demo.phantoms import Truth, all_truths
from bimedix2_core.model.assemble import Lmm, assemble, load_lmm, save_lmm
from bimedix2_core.records import LANGUAGES, Sample
from bimedix2_core.runs import write_atomic

BASE_FOLDER = Path(__file__).parent / "base"
PIXELS = 96

LLAMA3_SPECIAL_TOKENS = (
    "<|begin_of_text|>",
    "<|end_of_text|>",
    IMAGE_TOKEN,  # stands in for <|reserved_special_token_0|>, as in the assembled 8B
    "<|reserved_special_token_1|>",
    "<|finetune_right_pad_id|>",
    "<|reserved_special_token_2|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eom_id|>",
    END_OF_TURN,
    "<|python_tag|>",
)

LLAMA3_PRE_TOKENS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""How Llama 3's tokenizer cuts text before it merges bytes."""

VISION_CONFIG = {
    "image_size": PIXELS,
    "patch_size": 16,
    "hidden_size": 128,
    "intermediate_size": 512,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "projection_dim": 128,
}

LLAMA_CONFIG = {
    "hidden_size": 256,
    "intermediate_size": 704,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "max_position_embeddings": 4096,
    "tie_word_embeddings": True,
    "rope_parameters": {"rope_type": "default", "rope_theta": 500_000.0},
    "initializer_range": 0.06,
}


TEXT_MIX = {
    "interview": 50,
    "case file": 14,
    "retold": 10,
    "reading": 4,
    "laterality": 2,
    "translation": 8,
    "report": 2,
    "fact": 3,
    "follow-up": 6,
}
"""How often each form of text is drawn for the language model; the questions are asked of a report in words."""

PRIMER_MIX = {"interview": 60, "case file": 40}
"""What it begins with, said in few wordings: how words hang together is learnt sooner where there are few of them."""


@dataclass(frozen=True)
class BuildSettings:
    """How long each part of the base is trained; the defaults made the base that ships."""

    seed: int = 0
    clip_images_per_truth: int = 400
    clip_steps: int = 1300
    clip_images_per_step: int = 2
    """Of each truth record, so that a batch always holds the left, the right, the small and the large one."""
    clip_learning_rate: float = 2.0e-3
    primer_samples: int = 16_000
    text_samples: int = 66_000
    primer_steps: int = 700
    text_steps: int = 3500
    row_tokens: int = 256
    rows_per_step: int = 8
    text_learning_rate: float = 2.7e-3
    """Of Muon, which trains the language model's matrices."""
    embedding_learning_rate: float = 4.0e-4
    """Of AdamW, which trains its embeddings and norms."""
    answer_weight: float = 3.0
    """Weight of a token that the assistant says against 1 for any other."""


@dataclass(frozen=True)
class Curve:
    """A training loss, thinned to a point every few steps."""

    steps: list[int]
    losses: list[float]


def build(folder: Path = BASE_FOLDER, settings: BuildSettings | None = None) -> dict:
    """Make the tiny base from nothing and save it with its card.

    Returns:
        The card: settings, versions, seconds, curves, zero-shot accuracy of the vision encoder, content key.
    """
    settings = settings or BuildSettings()
    started = time.perf_counter()
    key = sources_key()
    primer = text_samples(settings.primer_samples, seed=settings.seed, primer=True)
    samples = text_samples(settings.text_samples, seed=settings.seed)
    tokenizer = train_tokenizer(samples)
    torch.manual_seed(settings.seed)
    vision = train_vision_tower(tokenizer, settings)
    language_model = LlamaForCausalLM(llama_config(tokenizer))
    text_curve = train_language_model(language_model, tokenizer, primer, samples, settings)
    lmm = assemble(vision.model.vision_model, language_model, tokenizer=tokenizer, image_processor=image_processor())
    save_lmm(Lmm(lmm.model.to(torch.bfloat16), lmm.processor), folder)
    card = {
        "made_by": "python -m bimedix2_core.demo.tiny_base",
        "content_key": key,
        "settings": asdict(settings),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "tokenizers": tokenizers.__version__,
        },
        "seconds": round(time.perf_counter() - started),
        "vocabulary": len(tokenizer),
        "zero_shot_accuracy": vision.zero_shot_accuracy,
        "curves": {"vision": asdict(vision.curve), "text": asdict(text_curve)},
    }
    write_atomic(folder / "card.json", json.dumps(card, indent=1) + "\n")
    return card


def load_base(*, dtype: torch.dtype = torch.float32) -> Lmm:
    """Load the tiny base that ships with the package."""
    return load_lmm(BASE_FOLDER, dtype=dtype)


def text_samples(n: int, *, seed: int, primer: bool = False) -> list[Sample]:
    """What the tiny Llama learns from, about ``n`` samples, half in each language: text only.

    Where a real corpus has papers and textbooks, this one has reports in words, and questions, captions and chats about
    them. So the model knows how left and right, small and large, yes and no hang together before it sees an image. The
    primer has short reports and one wording of everything.
    """
    rng = random.Random(f"{'primer' if primer else 'text'} {seed}")
    mix, most = (PRIMER_MIX, (1,)) if primer else (TEXT_MIX, (1, 1, 1, 2, 3))
    with corpus.few_wordings() if primer else nullcontext():
        twins = [_text_twin(mix, most, rng) for _ in range(n // len(LANGUAGES))]
    return [sample for index, twin in enumerate(twins) for sample in corpus.samples(twin, f"text-{index}")]


def train_tokenizer(samples: Sequence[Sample]) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE on the corpus, cut as Llama 3 cuts, with Llama 3.1's special tokens.

    Option letters, alone and after a space, are single tokens.
    """
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(LLAMA3_PRE_TOKENS), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    bpe.decoder = decoders.ByteLevel()
    bpe.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=1536,
        special_tokens=list(LLAMA3_SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        min_frequency=20,
        show_progress=False,
    )
    texts = [part["text"] for sample in samples for turn in sample.messages for part in turn["content"]]
    bpe.train_from_iterator([*texts, *[" A B C D E"] * 20_000], trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        bos_token="<|begin_of_text|>",
        eos_token=END_OF_TURN,
        pad_token="<|finetune_right_pad_id|>",
        additional_special_tokens=[IMAGE_TOKEN],
        model_max_length=LLAMA_CONFIG["max_position_embeddings"],
        chat_template=CHAT_TEMPLATE,
    )


def llama_config(tokenizer: PreTrainedTokenizerFast) -> LlamaConfig:
    """The tiny Llama's shape for this tokenizer; the vocabulary is rounded up to a multiple of 64."""
    return LlamaConfig(
        **LLAMA_CONFIG,
        vocab_size=-(-len(tokenizer) // 64) * 64,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def image_processor() -> CLIPImageProcessorPil:
    """CLIP's own preprocessing at the phantoms' size."""
    return CLIPImageProcessorPil(size={"shortest_edge": PIXELS}, crop_size={"height": PIXELS, "width": PIXELS})


@dataclass(frozen=True)
class VisionTraining:
    """The vision encoder and how its contrastive training went."""

    model: CLIPVisionModelWithProjection
    curve: Curve
    zero_shot_accuracy: float
    """Share of held-out phantoms whose own truth's caption is the nearest of all truths' captions."""


def train_vision_tower(tokenizer: PreTrainedTokenizerFast, settings: BuildSettings) -> VisionTraining:
    """Train CLIP's two towers on phantoms and bilingual captions; the text tower is thrown away.

    A batch holds every truth record several times. Images and captions of one record are all positives of one another,
    so the targets are shared among them.
    """
    truths = phantoms.all_truths()
    pixels_TNCHW = _draw_all(truths, settings.clip_images_per_truth, first_seed=settings.seed * 1_000_000)
    vision = CLIPVisionModelWithProjection(CLIPVisionConfig(**VISION_CONFIG))
    text = CLIPTextModelWithProjection(_clip_text_config(tokenizer))
    log_scale = nn.Parameter(torch.tensor(2.5))
    optimizer = torch.optim.AdamW(
        [*vision.parameters(), *text.parameters(), log_scale], lr=settings.clip_learning_rate, weight_decay=0.05
    )
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.clip_learning_rate, total_steps=settings.clip_steps, pct_start=0.1
    )
    rng, generator = random.Random(settings.seed), torch.Generator().manual_seed(settings.seed)
    n_each = settings.clip_images_per_step
    truth_of_row = torch.arange(len(truths)).repeat_interleave(n_each)
    same_BB = (truth_of_row[:, None] == truth_of_row).float()
    targets_BB = same_BB / same_BB.sum(1, keepdim=True)
    losses = []
    for _ in tqdm(range(settings.clip_steps), desc="vision encoder", unit="step"):
        chosen = torch.randint(settings.clip_images_per_truth, (len(truths), n_each), generator=generator)
        images = pixels_TNCHW[torch.arange(len(truths))[:, None], chosen].flatten(0, 1)
        captions = [_caption(truth, rng) for truth in truths for _ in range(n_each)]
        logits_BB = (
            log_scale.exp() * _embed_images(vision, images, generator) @ _embed_texts(text, tokenizer, captions).T
        )
        loss = _soft_cross_entropy(logits_BB, targets_BB) + _soft_cross_entropy(logits_BB.T, targets_BB)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss.item() / 2)
    accuracy = _zero_shot_accuracy(vision.eval(), text.eval(), tokenizer, truths, settings)
    return VisionTraining(vision, _thin(losses), accuracy)


def train_language_model(
    language_model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    primer: Sequence[Sample],
    samples: Sequence[Sample],
    settings: BuildSettings,
) -> Curve:
    """Train the Llama on text alone, in place: next-token prediction in which the assistant's words count more.

    Rows of several samples each, none of which sees another. Matrices are trained by Muon, the rest by AdamW, at
    rates that fall over the second half; forward and backward run in bfloat16, the weights stay float32.

    Returns:
        The loss per token that the assistant says, first on the primer, then on all text; it jumps in between.
    """
    optimizers = _text_optimizers(language_model, settings)
    total = settings.primer_steps + settings.text_steps
    losses: list[float] = []
    for title, part, n_steps in (("primer", primer, settings.primer_steps), ("text", samples, settings.text_steps)):
        rows = pack(part, tokenizer, settings.row_tokens, seed=settings.seed)
        for step in tqdm(range(n_steps), desc=f"language model, {title}", unit="step"):
            start = step * settings.rows_per_step
            which = torch.arange(start, start + settings.rows_per_step) % len(rows.ids)
            answers, others = text_losses(language_model, rows, which)
            n_weighted = settings.answer_weight * len(answers) + len(others)
            ((settings.answer_weight * answers.sum() + others.sum()) / n_weighted).backward()
            nn.utils.clip_grad_norm_(language_model.parameters(), 1.0)
            factor = min((len(losses) + 1) / 100, 1, 2 * (1 - len(losses) / total))
            for optimizer, learning_rate in optimizers:
                optimizer.param_groups[0]["lr"] = learning_rate * factor
                optimizer.step()
                optimizer.zero_grad()
            losses.append(answers.mean().item())
    language_model.eval()
    return _thin(losses)


@dataclass(frozen=True)
class Rows:
    """Samples laid end to end in rows of one length."""

    ids: Tensor
    """int64[N, T]"""
    sample: Tensor
    """int64[N, T]: which sample of its row a token belongs to; -1 for padding."""
    answer: Tensor
    """bool[N, T]: whether the assistant says the token."""


def pack(samples: Sequence[Sample], tokenizer: PreTrainedTokenizerFast, n_tokens: int, *, seed: int) -> Rows:
    """Rows by best fit among 40 open ones, in a random order; the few samples longer than a row are left out."""
    encoded = [encode(sample, tokenizer, n_image_tokens=0) for sample in samples]
    random.Random(seed).shuffle(encoded)
    closed: list[list[Encoded]] = []
    open_rows: list[tuple[int, list[Encoded]]] = []
    for sample in encoded:
        length = len(sample.input_ids)
        if length > n_tokens:
            continue
        fitting = [row for row in open_rows if row[0] + length <= n_tokens]
        best = max(fitting, key=lambda row: row[0], default=(0, []))
        open_rows = [row for row in open_rows if row is not best]
        open_rows.append((best[0] + length, [*best[1], sample]))
        if len(open_rows) > 40:
            fullest = max(open_rows, key=lambda row: row[0])
            open_rows = [row for row in open_rows if row is not fullest]
            closed.append(fullest[1])
    closed += [members for _, members in open_rows]
    ids_NT = np.full((len(closed), n_tokens), tokenizer.pad_token_id)
    sample_NT, answer_NT = np.full_like(ids_NT, -1), np.zeros_like(ids_NT, dtype=bool)
    for row, members in enumerate(closed):
        ids = np.concatenate([member.input_ids for member in members])
        ids_NT[row, : len(ids)] = ids
        sample_NT[row, : len(ids)] = np.repeat(np.arange(len(members)), [len(member.input_ids) for member in members])
        answer_NT[row, : len(ids)] = np.concatenate([member.labels for member in members]) != IGNORE_INDEX
    return Rows(*(torch.from_numpy(array) for array in (ids_NT, sample_NT, answer_NT)))


def _text_optimizers(model: LlamaForCausalLM, settings: BuildSettings) -> list[tuple[torch.optim.Optimizer, float]]:
    matrices = [weight for name, weight in model.named_parameters() if weight.ndim == 2 and "embed" not in name]
    rest = [weight for name, weight in model.named_parameters() if weight.ndim != 2 or "embed" in name]
    return [
        (torch.optim.Muon(matrices, weight_decay=0.0), settings.text_learning_rate),
        (torch.optim.AdamW(rest, betas=(0.9, 0.95), weight_decay=0.0), settings.embedding_learning_rate),
    ]


def text_losses(model: LlamaForCausalLM, rows: Rows, which: Tensor) -> tuple[Tensor, Tensor]:
    """Losses of the tokens that the assistant says, and of all others but each sample's first."""
    ids_BT, sample_BT = rows.ids[which], rows.sample[which]
    causal_TT = torch.ones(ids_BT.shape[1], ids_BT.shape[1], dtype=torch.bool).tril()
    mask_BTT = (sample_BT[:, :, None] == sample_BT[:, None]) & causal_TT
    with torch.autocast("cpu", torch.bfloat16):
        logits_BTV = model(input_ids=ids_BT, attention_mask=mask_BTT[:, None], use_cache=False).logits
    losses_BT = nn.functional.cross_entropy(logits_BTV[:, :-1].float().transpose(1, 2), ids_BT[:, 1:], reduction="none")
    counted_BT = (sample_BT[:, 1:] == sample_BT[:, :-1]) & (sample_BT[:, 1:] >= 0)
    answer_BT = rows.answer[which][:, 1:]
    return losses_BT[counted_BT & answer_BT], losses_BT[counted_BT & ~answer_BT]


def sources_key() -> str:
    """Content key of what the base is made of: phantoms, corpus and this module by syntax tree, the grammar by value.

    Comments, docstrings and other modules do not change it.
    """
    digest = hashlib.sha256()
    for name in ("phantoms.py", "corpus.py", "tiny_base.py"):
        tree = ast.dump(_without_docstrings(ast.parse(Path(__file__).with_name(name).read_text())))
        digest.update(tree.replace(", type_params=[]", "").encode())  # a field that Python 3.12 adds
    grammar = yaml.safe_load(Path(__file__).with_name("grammar.yaml").read_text(encoding="utf-8"))
    digest.update(json.dumps(grammar, ensure_ascii=False).encode())
    return digest.hexdigest()


def _text_twin(mix: dict[str, int], most: Sequence[int], rng: random.Random) -> Twin:
    """A twin of one form of the mix; the reports it speaks of have as many sentences as one of ``most``."""
    truth = rng.choice((corpus.even_truth(rng), rng.choice(all_truths())))
    form = rng.choices(list(mix), weights=list(mix.values()))[0]
    if form == "interview":
        asked = corpus.interview(truth, rng, n_questions=rng.randint(1, 8))
        return retell(asked, corpus.story(truth, rng, held_out=False, most=rng.choice(most)))
    if form == "case file":
        return corpus.case_file(truth, rng, held_out=False)
    if form == "reading":
        asked_as = rng.choice(("closed_question", "open_question", "multiple_choice"))
        return corpus.reading(truth, rng.choice(corpus.kinds(asked_as, truth)), rng, held_out=False, form=asked_as)
    if form == "laterality":
        sided = rng.choice([record for record in all_truths() if record.side])
        return corpus.laterality(sided, rng.choice(corpus.kinds("laterality", sided)), rng, held_out=False)
    if form == "retold":
        about = rng.choice((corpus.caption, corpus.caption, corpus.description, corpus.chat))
        return retell(about(truth, rng, held_out=False), corpus.story(truth, rng, held_out=False))
    if form == "translation":
        return corpus.parallel_sentence(truth, rng.choice(corpus.DIRECTIONS), rng, held_out=False)
    if form == "report":
        return corpus.report(truth, rng, held_out=False)
    if form == "fact":
        return corpus.fact(rng, held_out=False)
    return corpus.follow_up(rng, complete=rng.random() < 0.5, held_out=False)


def retell(twin: Twin, story: dict[str, str]) -> Twin:
    """The same conversation with a text in the place of its image."""
    told = {
        language: tuple(
            (f"{story[language]}\n{user}" if index == twin.image_turn else user, assistant)
            for index, (user, assistant) in enumerate(turns)
        )
        for language, turns in twin.turns.items()
    }
    return replace(twin, turns=told, image_turn=None)


def _without_docstrings(tree: ast.AST) -> ast.AST:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            node.body = body[1:] or [ast.Pass()]
    return tree


def _draw_all(truths: Sequence[Truth], n_each: int, *, first_seed: int) -> Tensor:
    """uint8[T, N, 3, H, W]: N phantoms of each truth record."""
    pixels = np.stack(
        [
            np.stack([np.asarray(phantoms.draw(truth, first_seed + seed, pixels=PIXELS)) for seed in range(n_each)])
            for truth in tqdm(truths, desc="phantoms", unit="record")
        ]
    )
    return torch.from_numpy(pixels).permute(0, 1, 4, 2, 3).contiguous()


def _embed_images(vision: nn.Module, pixels_B3HW: Tensor, generator: torch.Generator) -> Tensor:
    """float[B, E], unit length, of uint8 pixels, each image made a little brighter or darker."""
    processor = image_processor()
    mean, std = (torch.tensor(value).view(3, 1, 1) for value in (processor.image_mean, processor.image_std))
    gain = 1 + 0.2 * (torch.rand(len(pixels_B3HW), 1, 1, 1, generator=generator) - 0.5)
    embeds = vision((pixels_B3HW / 255 * gain - mean) / std).image_embeds
    return nn.functional.normalize(embeds, dim=-1)


def _embed_texts(text: nn.Module, tokenizer: PreTrainedTokenizerFast, captions: list[str]) -> Tensor:
    """float[B, E], unit length."""
    batch = tokenizer([caption + END_OF_TURN for caption in captions], padding=True, return_tensors="pt")
    inputs = {"input_ids": batch["input_ids"], "attention_mask": batch["attention_mask"]}
    return nn.functional.normalize(text(**inputs).text_embeds, dim=-1)


def _soft_cross_entropy(logits_BB: Tensor, targets_BB: Tensor) -> Tensor:
    return -(targets_BB * logits_BB.log_softmax(1)).sum(1).mean()


def _caption(truth: Truth, rng: random.Random) -> str:
    twin = corpus.caption(truth, rng, held_out=False)
    return twin.turns[rng.choice(LANGUAGES)][0][1]


@torch.inference_mode()
def _zero_shot_accuracy(vision, text, tokenizer, truths, settings: BuildSettings) -> float:
    pixels = _draw_all(truths, 10, first_seed=settings.seed * 1_000_000 + 500_000)
    rng, generator = random.Random(1), torch.Generator().manual_seed(1)
    captions = torch.stack(
        [_embed_texts(text, tokenizer, [_caption(truth, rng) for _ in range(16)]).mean(0) for truth in truths]
    )
    nearest = (_embed_images(vision, pixels.flatten(0, 1), generator) @ captions.T).argmax(1)
    return (nearest == torch.arange(len(truths)).repeat_interleave(10)).float().mean().item()


def _clip_text_config(tokenizer: PreTrainedTokenizerFast) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        projection_dim=VISION_CONFIG["projection_dim"],
        max_position_embeddings=128,
        eos_token_id=tokenizer.convert_tokens_to_ids(END_OF_TURN),
        bos_token_id=tokenizer.bos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def _thin(losses: Sequence[float], n_points: int = 60) -> Curve:
    """Average a curve over windows."""
    windows = np.array_split(np.arange(len(losses)), min(n_points, len(losses)))
    means = [float(np.mean([losses[step] for step in window])) for window in windows]
    return Curve([int(window[-1]) for window in windows], [round(value, 4) for value in means])


def main() -> None:
    """Rebuild the base that ships with the package."""
    parser = argparse.ArgumentParser(description="Rebuild the demo's tiny base (about 20 minutes on two cores).")
    parser.add_argument("--folder", type=Path, default=BASE_FOLDER)
    card = build(parser.parse_args().folder)
    print(f"built in {card['seconds']} s; zero-shot accuracy {card['zero_shot_accuracy']:.3f}")


if __name__ == "__main__":
    main()
