"""Mixture lesson: what notebook 14 shows beside BiMediX's three tables, small enough to be read."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from bimedix2_core.bench.clinical_qa.examined import Examined
from bimedix2_core.bench.floors import LANGUAGE_NAMES, Floor, is_above, lines
from bimedix2_core.data.compose.manifest import Composition
from bimedix2_core.demo import conversations
from bimedix2_core.demo.composing import part_table
from bimedix2_core.demo.text_lessons import means_of
from bimedix2_core.model.mixture.counts import count_adapters, count_adapters_per_matrix, trained_share
from bimedix2_core.model.shapes import SHAPES, Shape, count, on_meta
from bimedix2_core.model.text_model import TextModel
from bimedix2_core.paper.tables import Table
from bimedix2_core.records import LANGUAGES, Row, Sample

RANKS = (16, 32, 64, 128, 256)

HELD = {
    "plain": "exactly, in {dtype} (frozen_base: plain)",
    "nf4": "in 4 bits by bitsandbytes, products in {dtype} (frozen_base: nf4)",
}

EXAM_TEXTS = "Texts: examination questions with their answers, none of them trained on."
"""What `exam_samples` gives, for the foot of a figure."""

N_SHOWN = 2
"""Conversations of each language that are shown."""


def exam_samples(sets: Mapping[str, Sequence[Row]], *, n_per_set: int) -> list[Sample]:
    """Questions of the examinations with their answers as conversations, for whoever only reads them.

    Args:
        sets: of each examination the rows of both languages, twins under one id.
        n_per_set: so many of each examination and language, those that come first.
    """
    return [
        Sample(id=row.id, language=row.language, task=row.task, source=row.source, messages=row.messages, images=[])
        for rows in sets.values()
        for language in LANGUAGES
        for row in [one for one in rows if one.language == language][:n_per_set]
    ]


# --- weights ---------------------------------------------------------------------------------------------------------


def rank_table() -> Table:
    """The share of Mixtral 8x7B that adapters of each rank train, gate and up sharing an A, and each with its own."""
    shape = SHAPES["bimedix_moe"]
    total = count(shape).total
    rows = []
    for rank in RANKS:
        fused, apart = count_adapters(shape, rank=rank).total, count_adapters_per_matrix(shape, rank=rank).total
        rows.append((rank, fused, _percent(fused, total), apart, _percent(apart, total)))
    columns = ("rank", "adapters", "share", "w1 and w3 with an A each", "its share")
    return Table(columns, tuple(rows), f"Mixtral 8x7B, {total:,} weights: adapters by rank")


def adapter_table(mixture: TextModel, *, rank: int) -> Table:
    """The adapters of a mixture by part, beside what they adapt."""
    shape = Shape.of(mixture.model.config)
    found, held = count_adapters(shape, rank=rank), _held(mixture)
    rows = [
        (name, adapts, held[part], getattr(found, part))
        for part, name, adapts in (
            ("attention", "attention", "q, k, v and o of each layer"),
            ("experts", "experts", "gate and up, and down, of each expert"),
            ("router", "router", "one vector for each expert"),
        )
    ]
    rows.append(("all else", "embeddings, norms, head: as they were", held["all else"], 0))
    rows.append(("together", "", sum(held.values()), found.total))
    return Table(("part", "what is adapted", "weights", "trained"), tuple(rows), f"Adapters of rank {rank}")


def share_of(mixture: TextModel, *, rank: int) -> float:
    """Part of all weights that is trained, 0 to 1."""
    shape = Shape.of(mixture.model.config)
    return trained_share(count_adapters(shape, rank=rank).total, count(shape).total)


def trained_line(mixture: TextModel, *, rank: int, frozen_base: str) -> str:
    """One sentence: how many weights are trained, of how many, and how the others are held."""
    shape = Shape.of(mixture.model.config)
    trained, total = count_adapters(shape, rank=rank).total, count(shape).total
    held = HELD[frozen_base].format(dtype=str(mixture.model.dtype).removeprefix("torch."))
    share = trained_share(trained, total)
    return f"trained: {trained:,} of {total + trained:,} weights ({share:.1%}); the others are held {held}"


def _held(mixture: TextModel) -> dict[str, int]:
    """Weights of a mixture by part, without adapters."""
    places = {"attention": ".self_attn.", "experts": ".mlp.experts.", "router": ".mlp.gate."}
    sizes = {name: weight.numel() for name, weight in on_meta(Shape.of(mixture.model.config)).named_parameters()}
    held = {part: sum(size for name, size in sizes.items() if place in name) for part, place in places.items()}
    return held | {"all else": sum(sizes.values()) - sum(held.values())}


# --- data ------------------------------------------------------------------------------------------------------------


def composition_table(built: Composition) -> Table:
    """Wanted, available, taken and missing rows of each source."""
    return part_table(built, caption="BiMed1.3M, composed")


def composition_line(built: Composition, left_out: Mapping[str, int]) -> str:
    """One sentence: how many rows, in which ratio, and how many were left out."""
    english, arabic = (built.rows(language=language) for language in LANGUAGES)
    out = sum(left_out.values())
    return (
        f"{built.n_rows:,} rows, Arabic to English {arabic:,} to {english:,} (1 : {english / arabic:.2f}); "
        f"{out:,} rows of the sources hold something of an examination and were left out"
    )


def show_samples(samples: Sequence[Sample]) -> None:
    """The longest conversations of each language with more than one question, as they are learnt from."""
    chosen = [sample for language in LANGUAGES for sample in _longest(samples, language)]
    titles = [f"{sample.source}, {LANGUAGE_NAMES[sample.language]}" for sample in chosen]
    conversations.show_pages(
        conversations.written_all(chosen, titles=titles),
        alt="Rows of BiMed1.3M as conversations: " + "; ".join(titles) + ".",
    )


# --- floors ----------------------------------------------------------------------------------------------------------


def floors(examined: Sequence[Examined], *, base: str, tuned: str, trained_share: float) -> str:
    """What the mixture has to reach: better than the dense model it was made of, with about 4% of the weights.

    Args:
        examined: the models under one protocol.
        base: row of the dense model.
        tuned: row of the mixture.
        trained_share: part of all weights that is trained.
    """
    means = {one.row: means_of(one) for one in examined}
    asked = [
        Floor(f"the mixture is above its dense base in {name}, mean over the sets, intervals apart",
              is_above(means[tuned][language], means[base][language]))
        for language, name in LANGUAGE_NAMES.items()
    ]  # fmt: skip
    asked.append(Floor("about 4% of the weights are trained (3.5 to 4.5)", 0.035 <= trained_share < 0.045))
    return lines(asked)


def accuracy_table(examined: Sequence[Examined]) -> Table:
    """Mean accuracy over the sets of each model, by language, with interval."""
    rows = []
    for one in examined:
        for language, mean in means_of(one).items():
            value, low, high = (Decimal(f"{100 * number:.1f}") for number in (mean.value, mean.low, mean.high))
            rows.append((one.row, LANGUAGE_NAMES.get(language, "both"), value, low, high, mean.n))
    columns = ("model", "language", "accuracy", "95% from", "to", "questions")
    return Table(columns, tuple(rows), f"Mean over the sets, protocol {examined[0].protocol.id}")


def _percent(trained: int, total: int) -> str:
    return f"{trained_share(trained, total):.2%}"


def _longest(samples: Sequence[Sample], language: str) -> list[Sample]:
    several = [sample for sample in samples if sample.language == language and len(sample.messages) > N_SHOWN]
    return sorted(several, key=lambda sample: (-len(sample.messages), sample.id))[:N_SHOWN]
