"""Data: what is measured (`Bench`), and samples of random tokens and pictures whose lengths are assumed (`Mix`)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL import Image
from transformers import CLIPVisionConfig, LlamaConfig

from bimedix2_core.data.chat import IGNORE_INDEX, IMAGE_TOKEN, Encoded
from bimedix2_core.model.assemble import Lmm
from bimedix2_core.model.shapes import LLAMA_3_1, SHAPES, Shape
from bimedix2_core.params import StageParams, load_params
from bimedix2_core.plan import quantities
from bimedix2_core.records import Sample
from bimedix2_core.training.feed import N_LENGTHS, FedRow, Feed
from bimedix2_core.training.packing import Lengths, Plan

SHORTEST, HEADER = 4, 16  # tokens of a text; tokens before the image, the same in all samples


@dataclass(frozen=True)
class Mix:
    """What samples look like; lengths are lognormal, assumed."""

    images: float
    """Share of the samples that show one."""
    text: tuple[float, float]
    """Mean number of tokens of a sample without image, and sigma of its logarithm."""
    beside_image: tuple[float, float]
    """The same of the text beside an image."""
    supervised: float
    """Share of the text that is supervised."""
    samples: int
    """As many are drawn."""
    languages: tuple[str, ...] = ("en", "ar")
    """Each picture has a sample in each of them."""
    longest: int = 2048
    """Tokens at which a text is cut."""


BIMED_V = quantities.bimed_v()
PAIRS = int(quantities.STAGE1_PAIRS.value)
STAGE1 = Mix(1.0, (0, 0), (75, 0.5), supervised=0.8, samples=128, languages=("en",))
STAGE2 = Mix(BIMED_V.images / BIMED_V.samples, (300, 0.9), (120, 0.5), supervised=0.5, samples=512)
NEMO = Mix(0.0, (4096, 0.0), (0, 0), supervised=1.0, samples=32, longest=4096)  # full documents


@dataclass(frozen=True)
class Bench:
    """A shape on a device."""

    shape: Shape
    scale: float
    """Of all lengths."""
    seconds: float
    """The Trainer is timed for; our lines take one pass over all rows."""
    device: str = "cpu"
    dtype: torch.dtype = torch.float32
    peak: float = math.nan
    """FLOP/s."""

    @property
    def on_gpu(self) -> bool:
        """Whether this can be a result."""
        return self.device == "cuda"

    def settings(self, stage: str, **changes) -> StageParams:
        """The profile's, in this size, with other values where a line says so; on a CPU nothing is compiled."""
        settings = getattr(load_params("params/paper_8b.yaml"), stage)
        changes["row_length"] = int(changes.get("row_length", settings.row_length) * self.scale)
        changes["compile_layers"] = self.on_gpu and changes.get("compile_layers", True)
        return settings.model_copy(update=changes)


TINY = Shape(
    LlamaConfig(**LLAMA_3_1 | {"vocab_size": 1536, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
                               "num_attention_heads": 4, "num_key_value_heads": 2}),
    CLIPVisionConfig(image_size=84, patch_size=14, hidden_size=32, intermediate_size=64, num_hidden_layers=3,
                     num_attention_heads=2),
)  # fmt: skip
BENCHES = {"8b": Bench(SHAPES["bimedix2_8b"], 1.0, seconds=30), "tiny": Bench(TINY, 1 / 16, seconds=0.5)}


class Drawn(Sequence[Encoded]):
    """Samples of random tokens, with what a plan and a feed ask `training.tokenised.Tokenised` for."""

    def __init__(self, samples: list[Sample], encoded: list[Encoded], prefixes: list[int]):
        self.samples, self._encoded, self._prefixes = samples, encoded, prefixes
        self.ids, self.languages = [one.id for one in samples], [one.language for one in samples]
        self.has_image = np.array([bool(one.images) for one in samples])
        self.lengths = np.array([len(one.input_ids) for one in encoded])
        self.n_supervised = np.array([one.n_supervised for one in encoded])
        self.n_prefix = np.array(prefixes)
        pictures = {id(one.images[0]): number for number, one in enumerate(samples) if one.images}
        self.groups = np.array([pictures[id(one.images[0])] if one.images else -1 for one in samples])

    def __len__(self) -> int:
        return len(self._encoded)

    def __getitem__(self, index: int) -> Encoded:
        return self._encoded[index]

    def first(self, n: int) -> "Drawn":
        return Drawn(self.samples[:n], self._encoded[:n], self._prefixes[:n])


def drawn(bench: Bench, lmm: Lmm, mix: Mix) -> Drawn:
    """Samples of a mix, those of one picture side by side; always the same."""
    rng, side = np.random.default_rng(0), bench.shape.vision.image_size
    image_token = lmm.tokenizer.convert_tokens_to_ids(IMAGE_TOKEN)
    longest, image_share = int(mix.longest * bench.scale), mix.images / len(mix.languages)
    image_share /= image_share + 1 - mix.images  # of the draws, as a draw with a picture is several samples

    def tokens(mean: float, sigma: float) -> list[int]:
        length = round(rng.lognormal(math.log(mean * bench.scale) - sigma**2 / 2, sigma))
        size = min(max(length, SHORTEST), longest)
        return rng.integers(image_token + 1, bench.shape.language.vocab_size, size=size).tolist()

    header = tokens(HEADER, 0.0)
    samples, encoded, prefixes = [], [], []
    while len(samples) < mix.samples:
        shows = rng.random() < image_share
        picture = [Image.fromarray(rng.integers(0, 256, (side, side, 3), dtype=np.uint8))] if shows else []
        prefix = header + [image_token] * bench.shape.n_image_tokens if shows else []
        for language in mix.languages if shows else mix.languages[:1]:
            text = tokens(*(mix.beside_image if shows else mix.text))
            quiet = max(1, round((1 - mix.supervised) * len(text)))
            name = f"s{len(samples)}"
            samples.append(Sample(name, language, "open", "drawn", [], picture))
            labels = [IGNORE_INDEX] * (len(prefix) + quiet) + text[quiet:]
            encoded.append(Encoded(name, prefix + text, labels, len(picture)))
            prefixes.append(len(prefix))
    return Drawn(samples, encoded, prefixes)


def packed(lmm: Lmm, data: Drawn, settings: StageParams) -> list[FedRow]:
    """All samples in rows of one length, the fullest first, with their prepared images."""
    plan = plan_of(data, settings, batch_size=len(data))
    feed = Feed(lmm, data.samples, data, plan, rank=0, count=1, by_sample=False, pads=False)
    pad_token = lmm.tokenizer.pad_token_id
    return [replace(fed, packed=fed.packed.padded(settings.row_length, pad_token)) for fed in feed[0]]


def plan_of(data: Drawn, settings: StageParams, *, batch_size: int) -> Plan:
    """All whole steps of so many samples."""
    lengths = Lengths(data.lengths, data.n_prefix, data.groups)
    lengths = lengths if settings.share_images else lengths.without_sharing()
    n_steps = len(data) // batch_size
    return Plan(lengths, batch_size=batch_size, n_steps=n_steps, row_length=settings.row_length, seed=0)


def plan_padding(data: Drawn, settings: StageParams) -> float:
    """Share of padding in real steps, whose last row is padded to one of a few lengths."""
    plan = plan_of(data, settings, batch_size=min(settings.global_batch_size, len(data)))
    unit = -(-settings.row_length // N_LENGTHS)
    rows = [sum(tree.n_tokens for tree in row) for step in range(plan.n_steps) for row in plan.rows(step)]
    return 1 - sum(rows) / sum(-(-tokens // unit) * unit for tokens in rows)
