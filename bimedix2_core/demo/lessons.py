"""Lessons: what the notebooks show about the phantoms, the corpus, the tokens, the tiny base and the two stages.

Each function is one look at something: it returns a table or a figure of the plain records, and changes nothing.
"""

import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from torch import nn

from bimedix2_core.data.chat import IGNORE_INDEX, encode
from bimedix2_core.demo import corpus
from bimedix2_core.demo.corpus import Twin
from bimedix2_core.demo.curriculum import TEST_SEEDS
from bimedix2_core.demo.phantoms import FINDINGS, MODALITIES, Truth, draw
from bimedix2_core.demo.tiny_base import BASE_FOLDER, sources_key
from bimedix2_core.environment import Machine, Package, Readiness
from bimedix2_core.errors import DataError
from bimedix2_core.inference.caption_loss import CaptionLoss
from bimedix2_core.model.adapters import LORA_TARGETS, PROJECTOR
from bimedix2_core.model.assemble import Lmm, count_parameters
from bimedix2_core.paper.figures import Bar, image_grid, token_mask
from bimedix2_core.paper.tables import Table, language_name
from bimedix2_core.params import Params
from bimedix2_core.records import LANGUAGES, Sample
from bimedix2_core.runs import root

EXAMPLE_SEEDS = TEST_SEEDS + 900_000
"""Image seeds of what is shown, apart from what is trained on and tested on."""

SHOWN_PIXELS = 192
"""Phantoms for the eye; models see them smaller."""

TELLING = {
    "cxr": Truth("cxr", "pleural_effusion", "left", "large"),
    "ct": Truth("ct", "kidney_stone", "right"),
    "mri": Truth("mri", "brain_tumour", "left", "large"),
    "histology": Truth("histology", "steatosis"),
    "gross": Truth("gross", "tumour", "", "large"),
}
"""One finding of each modality that is easily seen."""


# --- environment -----------------------------------------------------------------------------------------------------


def package_table(packages: Sequence[Package]) -> Table:
    """Versions wanted and found."""
    rows = tuple(
        (one.name, one.wanted, one.found or "not installed", "" if one.agrees else "differs") for one in packages
    )
    return Table(("package", "wanted", "found", "remark"), rows, "Versions: requirements.lock and this environment")


def machine_table(machine: Machine) -> Table:
    """What this machine offers."""
    rows = (
        ("Python", machine.python),
        ("cores", str(machine.cores)),
        ("memory", "unknown" if machine.memory_gb is None else f"{machine.memory_gb} GB"),
        ("GPU", ", ".join(machine.gpus) or "none, and the demo needs none"),
        ("free disk", f"{machine.disk_free_gb} GB"),
        ("Hugging Face hub", "offline" if machine.offline else "may be asked"),
    )
    return Table(("this machine", "found"), rows, "Machine")


def profile_table(profiles: Sequence[Readiness]) -> Table:
    """Which profile can run here, and what the others lack."""
    rows = tuple(
        (one.profile, one.kind, "yes" if one.can_run else "not yet", "\n".join(one.missing)) for one in profiles
    )
    return Table(("profile", "kind", "can run here", "what is missing"), rows, "Profiles in params/")


# --- model -----------------------------------------------------------------------------------------------------------


def parts_table(lmm: Lmm) -> Table:
    """The parts of Figure 2 and how many weights each has in this model."""
    counts = count_parameters(lmm.model)
    parts = (
        ("vision encoder", "CLIP; an image becomes one vector for each patch", counts.vision_tower),
        ("projector", "two linear layers with a GELU between; vectors become words", counts.projector),
        ("language model", "Llama; reads the words of the image and of the text", counts.language_model),
        ("output head", "shares the embedding's weights" if not counts.lm_head else "its own weights", counts.lm_head),
    )
    total = ("together", "", sum(part[2] for part in parts))
    return Table(("part", "what it does", "weights"), (*parts, total), "Parts of the model, as Figure 2 joins them")


def lora_table(lmm: Lmm, *, rank: int) -> Table:
    """Which layers get adapters, their shape, and the weights that Stage 2 trains; counted before any is added."""
    layers: dict[str, list[nn.Linear]] = {}
    for name, module in lmm.model.named_modules():
        if re.fullmatch(LORA_TARGETS, name):
            layers.setdefault(name.rsplit(".", 1)[-1], []).append(module)
    rows = [
        (name, len(found), f"{found[0].out_features} x {found[0].in_features}", rank * len(found) * _width(found[0]))
        for name, found in layers.items()
    ]
    projector = [weight for name, weight in lmm.model.named_parameters() if PROJECTOR in name]
    rows.append(("projector, whole", len(projector) // 2, "", sum(weight.numel() for weight in projector)))
    columns = ("layer", "how many", "W", "trained weights")
    return Table(columns, tuple(rows), f"What Stage 2 trains: LoRA of rank {rank}, and the projector")


def trained_share(lmm: Lmm, table: Table) -> str:
    """One sentence: how many weights Stage 2 trains, of how many."""
    trained = sum(row[-1] for row in table.rows)
    adapters = trained - table.rows[-1][-1]
    total = sum(weight.numel() for weight in lmm.model.parameters()) + adapters
    return f"trained: {trained:,} of {total:,} weights ({trained / total:.1%})"


def _width(layer: nn.Linear) -> int:
    return layer.in_features + layer.out_features


# --- tiny base -------------------------------------------------------------------------------------------------------


def base_card(params: Params) -> dict[str, Any]:
    """The card of the tiny base this profile starts from; where it starts from another, that of the one that ships.

    Raises:
        DataError: there is no card.
    """
    named = root() / params.model.base / "card.json" if isinstance(params.model.base, str) else Path()
    file = named if named.is_file() else BASE_FOLDER / "card.json"
    if not file.is_file():
        raise DataError(f"{file.name}: not in {file.parent.name}/; the tiny base is not built yet, run `make base`")
    return json.loads(file.read_text(encoding="utf-8"))


def base_table(card: dict[str, Any]) -> Table:
    """How the tiny base was made."""
    rows = [
        ("made by", card["made_by"]),
        ("seconds, on two cores", f"{card['seconds']:,}"),
        ("tokens in the vocabulary", f"{card['vocabulary']:,}"),
        ("captions told apart by the vision encoder", f"{card['zero_shot_accuracy']:.3f} of held-out phantoms"),
        *((name.replace("_", " "), f"{value:,}") for name, value in card["settings"].items()),
        *((name, version) for name, version in card["versions"].items()),
    ]
    return Table(("the tiny base", ""), tuple(rows), "Card of the tiny base")


def base_curves(card: dict[str, Any], part: str) -> list[tuple[int, float]]:
    """The loss of one part (``vision`` or ``text``) over its steps."""
    return list(zip(card["curves"][part]["steps"], card["curves"][part]["losses"], strict=True))


def freshness(card: dict[str, Any]) -> str:
    """One sentence: whether the code that stands here is the code that made the base."""
    if card["content_key"] == sources_key():
        return "the tiny base was made by the phantoms, corpus and code that stand here"
    return "the tiny base is STALE: phantoms, corpus or tiny_base.py changed since; rebuild it with `make base`"


# --- phantoms --------------------------------------------------------------------------------------------------------


def normal_and_finding(*, seed: int) -> Figure:
    """Two rows: each modality without and with a finding, captioned in both languages."""
    truths = [Truth(modality, "normal") for modality in MODALITIES] + [TELLING[modality] for modality in MODALITIES]
    return _captioned(truths, seed=seed, columns=len(MODALITIES))


def left_and_right(*, seed: int) -> Figure:
    """The same finding in the same anatomy at the patient's left and right."""
    truths = [replace(TELLING[modality], side=side) for modality in ("cxr", "mri") for side in ("left", "right")]
    return _captioned(truths, seed=seed, columns=4)


def truth_table() -> Table:
    """Findings of each modality, and which of them have a side or a size."""
    rows = tuple(
        (modality, finding.replace("_", " "), "yes" if traits.has_side else "", "yes" if traits.has_size else "")
        for modality, findings in FINDINGS.items()
        for finding, traits in findings.items()
    )
    return Table(("modality", "finding", "has a side", "has a size"), rows, "What the phantoms can show")


def _captioned(truths: Sequence[Truth], *, seed: int, columns: int) -> Figure:
    images = [draw(truth, EXAMPLE_SEEDS + seed, pixels=SHOWN_PIXELS) for truth in truths]
    twins = [corpus.caption(truth, _rng(seed, truth.modality), held_out=True) for truth in truths]
    captions = [tuple(twin.turns[language][0][1] for language in LANGUAGES) for twin in twins]
    return image_grid(images, captions, columns=columns)


# --- corpus ----------------------------------------------------------------------------------------------------------


def truth_in_words(truth: Truth, *, seed: int) -> Table:
    """One truth record in the forms of the corpus: a question and its answer, English beside Arabic."""
    rows = [
        (form, _exchange(twin, "en"), _exchange(twin, "ar"))
        for form, twin in _forms(truth, _rng(seed, "forms")).items()
    ]
    return Table(("form", "English", "Arabic"), tuple(rows), f"One truth in words: {_said(truth)}")


def _forms(truth: Truth, rng: random.Random) -> dict[str, Twin]:
    kind = corpus.kinds("multiple_choice", truth)[-1]
    return {
        "caption": corpus.caption(truth, rng, held_out=False),
        "closed question": corpus.closed_question(truth, "side", truth.side, rng, held_out=False),
        "open question": corpus.open_question(truth, "finding", rng, held_out=False),
        "multiple choice": corpus.multiple_choice(truth, kind, rng, held_out=False),
        "description": corpus.description(truth, rng, held_out=False),
        "report, text only": corpus.report(truth, rng, held_out=False),
        "chat": corpus.chat(truth, rng, held_out=False),
        "patient, text only": corpus.follow_up(rng, complete=False, held_out=False),
    }


def _exchange(twin: Twin, language: str) -> str:
    return "\n".join(f"{user}\n\u2014 {assistant}" for user, assistant in twin.turns[language])


def _said(truth: Truth) -> str:
    words = (truth.size, truth.side, truth.finding.replace("_", " "), f"({truth.modality})")
    return " ".join(word for word in words if word)


# --- examples to show -------------------------------------------------------------------------------------------------


def caption_examples(*, seed: int, held_out: bool = True) -> list[Sample]:
    """A captioned phantom of each modality, English and Arabic twins side by side; not among the test images."""
    return _examples(lambda truth, rng: corpus.caption(truth, rng, held_out=held_out), seed=seed)


def interview_examples(*, seed: int) -> list[Sample]:
    """Two or three held-out questions in a row about a phantom of each modality, English and Arabic twins."""
    return _examples(_interview, seed=seed)


def chat_examples(*, seed: int) -> list[Sample]:
    """A held-out chat for each modality that begins with text and brings the image later, English and Arabic twins."""
    return _examples(lambda truth, rng: corpus.chat(truth, rng, held_out=True), seed=seed)


def in_language(samples: Sequence[Sample], language: str) -> list[Sample]:
    """Those samples of one language."""
    return [sample for sample in samples if sample.language == language]


def one_of_each_task(samples: Sequence[Sample], language: str, tasks: Sequence[str]) -> list[Sample]:
    """The first sample of each task in one language.

    Raises:
        DataError: a task has no sample in this language.
    """
    first = {sample.task: sample for sample in reversed(samples) if sample.language == language}
    absent = [task for task in tasks if task not in first]
    if absent:
        raise DataError(f"no {language} sample of {absent}; found the tasks {sorted(first)}")
    return [first[task] for task in tasks]


def caption_grid(samples: Sequence[Sample], captions: Sequence[str] | None = None, *, title: str) -> Figure:
    """Images with an English and an Arabic caption each: their targets, or ``captions`` in the samples' order.

    Raises:
        DataError: an image lacks one of its two captions.
    """
    texts: dict[str, dict[str, str]] = {}
    images = {sample.id: sample.images[0] for sample in samples}
    for sample, text in zip(samples, captions or [sample.target for sample in samples], strict=True):
        texts.setdefault(sample.id, {})[sample.language] = text
    absent = [name for name, both in texts.items() if set(both) != set(LANGUAGES)]
    if absent:
        raise DataError(f"images {absent} lack a caption; expected one in each of {', '.join(LANGUAGES)}")
    pairs = [tuple(texts[name][language] or "(nothing)" for language in LANGUAGES) for name in images]
    return image_grid(list(images.values()), pairs, columns=5, title=title)


def _interview(truth: Truth, rng: random.Random) -> Twin:
    asked = [
        corpus.open_question(truth, "modality", rng, held_out=True),
        corpus.open_question(truth, "finding", rng, held_out=True),
    ]
    if truth.side:
        asked.append(corpus.closed_question(truth, "side", truth.side, rng, held_out=True))
    turns = {language: tuple(twin.turns[language][0] for twin in asked) for language in LANGUAGES}
    return Twin("interview", "interview", turns, image_turn=0)


def _examples(say: Callable[[Truth, random.Random], Twin], *, seed: int) -> list[Sample]:
    samples: list[Sample] = []
    for index, (modality, truth) in enumerate(TELLING.items()):
        image = draw(truth, EXAMPLE_SEEDS + 1000 * (seed + 1) + index)
        samples += corpus.samples(say(truth, _rng(seed, modality)), f"example-{modality}", image)
    return samples


def _rng(seed: int, name: str) -> random.Random:
    return random.Random(f"lesson {seed} {name}")


# --- tokens ----------------------------------------------------------------------------------------------------------


def token_picture(sample: Sample, lmm: Lmm) -> Figure:
    """The tokens of a sample with those that carry the loss marked."""
    encoded = encode(sample, lmm.tokenizer, n_image_tokens=lmm.n_image_tokens)
    image_id = lmm.model.config.image_token_id
    pieces = readable_pieces(encoded.input_ids, lmm.tokenizer)
    starts = [start for start, _ in pieces]
    return token_mask(
        [text for _, text in pieces],
        [encoded.labels[start] != IGNORE_INDEX for start in starts],
        [encoded.input_ids[start] == image_id for start in starts],
    )


def readable_pieces(input_ids: Sequence[int], tokenizer) -> list[tuple[int, str]]:
    """Tokens as text, each with its place; tokens that hold parts of one letter's bytes are joined.

    A byte-level tokenizer may cut an Arabic letter in two, and half a letter cannot be shown.
    """
    pieces: list[tuple[int, str]] = []
    start = 0
    for end in range(1, len(input_ids) + 1):
        text = tokenizer.decode(list(input_ids[start:end]), skip_special_tokens=False)
        if "\ufffd" in text and end < len(input_ids):
            continue
        pieces.append((start, text))
        start = end
    return pieces


def sample_table(samples: Sequence[Sample]) -> Table:
    """How many samples of each task and language there are, and how many of them show an image."""
    tasks = sorted({sample.task for sample in samples})
    rows = tuple(
        (task.replace("_", " "), language_name(language), len(chosen), sum(bool(sample.images) for sample in chosen))
        for task in tasks
        for language in LANGUAGES
        if (chosen := [sample for sample in samples if (sample.task, sample.language) == (task, language)])
    )
    return Table(("task", "language", "samples", "with an image"), rows, "What this stage learns from")


# --- caption loss ----------------------------------------------------------------------------------------------------


def caption_loss_table(losses: Mapping[str, CaptionLoss]) -> Table:
    """One row for each moment and kind of images, with interval and n; the ratio beside the true images."""
    rows = [
        (moment, images, estimate.value, estimate.low, estimate.high, estimate.n, ratio)
        for moment, loss in losses.items()
        for images, estimate, ratio in (("true", loss.true, loss.ratio), ("shuffled", loss.shuffled, None))
    ]
    columns = ("moment", "images", "caption loss", "95% from", "to", "n", "true / shuffled")
    return Table(columns, tuple(rows), "Caption loss on held-out images, nats per token")


def caption_loss_bars(losses: Mapping[str, CaptionLoss]) -> list[Bar]:
    """Two bars for each moment: true images first, then shuffled ones."""
    return [
        Bar(moment, images, estimate.value, estimate.low, estimate.high, estimate.n)
        for moment, loss in losses.items()
        for images, estimate in (("true images", loss.true), ("shuffled images", loss.shuffled))
    ]
