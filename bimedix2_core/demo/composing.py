"""Composing: what notebook 02 shows of the sources, the leaks, the data set and its rows.

Each function is one look at plain records: it returns a table or samples, and changes nothing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from bimedix2_core.data.compose.manifest import Composition
from bimedix2_core.data.compose.parts import PartFile, Survey
from bimedix2_core.data.compose.reading import row_at
from bimedix2_core.data.compose.statistics import Size, Statistics
from bimedix2_core.data.decontaminate import KINDS, LEAKS, Match
from bimedix2_core.data.decontaminate.parts import Checkup, RowKey
from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.data.sources.llava import images_first
from bimedix2_core.demo.bimed_v import ARABIC
from bimedix2_core.demo.planted import Leak
from bimedix2_core.errors import DataError
from bimedix2_core.paper import reported
from bimedix2_core.paper.figures import image_grid, show
from bimedix2_core.paper.tables import Table, language_name
from bimedix2_core.records import Message, Row, Sample

if TYPE_CHECKING:
    from datasets import Dataset

TABLE_12 = "table12_bimed_v_composition"

_BY_HASH = "of 64 bits differ"
"""Stands in the detail of a match by perceptual hash."""


# --- sources ---------------------------------------------------------------------------------------------------------


def survey_table(surveys: Sequence[Survey]) -> Table:
    """What each file holds, and how it is read."""
    rows = [(one.source_id, one.file, one.layout, one.rows, len(one.image_keys), len(one.bad_rows)) for one in surveys]
    total = ("all", "", "", sum(row[3] for row in rows), len(image_keys(surveys)), sum(row[5] for row in rows))
    columns = ("source", "file", "read in the layout of", "rows", "different images", "unreadable")
    return Table(columns, (*rows, total), "Sources as files")


def bad_row_table(surveys: Sequence[Survey]) -> Table:
    """Every row that could not be read: where it stands and what is wrong with it."""
    rows = tuple((one.source_id, bad.place, bad.problem) for one in surveys for bad in one.bad_rows)
    return Table(("source", "place", "what is wrong"), rows, "Rows that could not be read")


def image_keys(surveys: Sequence[Survey]) -> set[str]:
    """Content keys of the images of all sources."""
    return {key for one in surveys for key in one.image_keys}


# --- decontamination -------------------------------------------------------------------------------------------------


def planted_table(planted: Sequence[Leak], checkup: Checkup, dataset: "Dataset") -> Table:
    """Each leak that was planted, what it was found as, and its flag in the data set."""
    flags = _flags(dataset) if planted else {}
    rows = []
    for leak in planted:
        key = (leak.source, leak.language, leak.row_id)
        found = {match.kind for match in checkup.leaks.get(key, ()) if match.benchmark_id == leak.item_id}
        flag = {False: "not clean", True: "CLEAN", None: "not checked"}[flags[key]] if key in flags else "not drawn"
        kind = next((kind for kind in KINDS if kind in found), "NOT FOUND")
        said = kind if kind == leak.kind else f"{kind}, expected {leak.kind}"
        rows.append((leak.source, f"{leak.how} ({leak.item_id})", said, flag))
    columns = ("source", "what was planted", "found as", "in the data set")
    return Table(columns, tuple(rows), "Planted leaks")


def unclean_table(checkup: Checkup, planted: Sequence[Leak]) -> Table:
    """Rows that are not clean, by the strongest kind of match, and how many of them were planted."""
    known = {(leak.source, leak.language, leak.row_id) for leak in planted}
    kinds = {key: _strongest(matches) for key, matches in checkup.leaks.items()}
    counts, planned = Counter(kinds.values()), Counter(kind for key, kind in kinds.items() if key in known)
    by_hash = Counter(kinds[key] for key, matches in checkup.leaks.items() if _is_by_hash(matches))
    rows = [(kind, counts[kind], planned[kind], by_hash[kind]) for kind in LEAKS if counts[kind]]
    total = ("all", counts.total(), planned.total(), by_hash.total())
    columns = ("strongest match", "rows", "planted", "known by the perceptual hash of an image only")
    return Table(columns, (*rows, total), "Rows that are not clean")


def leak_counts(checkup: Checkup) -> Table:
    """Unclean rows of each source by benchmark; a row that touches two benchmarks counts at both."""
    counts = Counter(
        (source, benchmark)
        for (source, _, _), matches in checkup.leaks.items()
        for benchmark in {match.benchmark for match in matches if match.kind in LEAKS}
    )
    benchmarks, sources = list(checkup.report.benchmarks), sorted({source for source, _ in counts})
    unclean = {source: said["unclean"] for source, said in checkup.report.sources.items()}
    rows = [(source, *(counts[source, one] for one in benchmarks), unclean[source],
             checkup.report.sources[source]["rows"]) for source in sources]  # fmt: skip
    columns = ("source", *benchmarks, "rows not clean", "of")
    return Table(columns, tuple(rows), "Rows that hold something of a benchmark (sources without one are left out)")


def benchmark_table(checkup: Checkup) -> Table:
    """How much of each benchmark is touched, and how large its clean subset is."""
    report = checkup.report
    rows = [
        (name, said["items"], said["leaked"], len(ids := report.item_ids[name]), len(report.clean_ids(name)),
         f"{len(report.clean_ids(name)) / len(ids):.1%}")
        for name, said in report.benchmarks.items()
    ]  # fmt: skip
    columns = ("benchmark", "items", "with a leak", "ids (twins once)", "clean ids", "clean")
    return Table(columns, tuple(rows), "Benchmarks: items that a training row holds, and the clean subset")


def show_look_alikes(
    dataset: "Dataset", checkup: Checkup, images: ImageStore, *, planted: Sequence[Leak], n: int
) -> None:
    """Show a training image beside the benchmark image of equal perceptual hash, planted ones first; else nothing."""
    known = {(leak.source, leak.language, leak.row_id) for leak in planted}
    pairs: dict[str, tuple[str, str, str, str]] = {}
    for row in sorted(_unclean(dataset), key=lambda row: _key(row) not in known):
        match = next((one for one in checkup.leaks.get(_key(row), ()) if _BY_HASH in one.detail), None)
        if match is not None and len(row["images"]) == 1:
            other = match.detail.removeprefix("image ").partition(",")[0]
            said = "planted" if _key(row) in known else row["source"]
            pairs.setdefault(other, (row["images"][0], f"{said}: {row['id']}", other, match.benchmark_id))
    if pairs:
        shown = list(pairs.values())[:n]
        pictures = [images.open(key) for mine, _, other, _ in shown for key in (mine, other)]
        captions = [text for _, mine, _, other in shown for text in (mine, other)]
        show(
            image_grid(pictures, captions, columns=4, title="Equal perceptual hashes: a training and a test image"),
            alt=f"Pairs of a training image and a benchmark image whose hashes agree: {', '.join(captions)}.",
        )


def _flags(dataset: "Dataset") -> dict[RowKey, bool | None]:
    columns = (dataset[name] for name in ("source", "language", "id", "clean"))
    return {(source, language, row_id): clean for source, language, row_id, clean in zip(*columns, strict=True)}


def _unclean(dataset: "Dataset") -> "Dataset":
    flags = dataset["clean"]
    return dataset.select([place for place, clean in enumerate(flags) if clean is False])


def _key(stored: Mapping[str, str]) -> RowKey:
    return stored["source"], stored["language"], stored["id"]


def _strongest(matches: Sequence[Match]) -> str:
    return min((match.kind for match in matches), key=KINDS.index)


def _is_by_hash(matches: Sequence[Match]) -> bool:
    """Whether nothing but the perceptual hash of an image makes the row unclean."""
    return all(_BY_HASH in match.detail or match.kind.startswith("image_") for match in matches if match.kind in LEAKS)


# --- composition -----------------------------------------------------------------------------------------------------


def part_table(composition: Composition, *, caption: str = "") -> Table:
    """Wanted, available, taken and missing rows of each source; without a caption it says the share of Table 12."""
    rows = [(one.source_id, one.wanted, one.available, one.taken, one.shortfall) for one in composition.parts]
    total = ("all", *(sum(row[place] for row in rows) for place in range(1, 5)))
    columns = ("source", "wanted", "available", "taken", "short of")
    return Table(columns, (*rows, total), caption or f"{composition.share} of the rows of Table 12")


def statistics_table(statistics: Statistics) -> Table:
    """Words and tokens of each source and language."""
    rows = [(one.source, language_name(one.language), *_sizes(one.size)) for one in statistics.groups]
    rows += [("all", language_name(language), *_sizes(size)) for language, size in statistics.by("language").items()]
    columns = ("source", "language", "rows", "turns", "words", "tokens", "tokens for a word", "median", "95%")
    return Table(columns, tuple(rows), "Text of each source; the last two columns are tokens in a row")


def _sizes(size: Size) -> tuple[int | Decimal, ...]:
    return (size.rows, size.messages, size.words, size.tokens, Decimal(f"{size.fertility:.2f}"), size.percentile(50),
            size.percentile(95))  # fmt: skip


def share_table(composition: Composition, *, kind: str) -> Table:
    """Shares of languages and modalities, as the paper's counts give them and in this data set.

    The paper prints rows of sources, no shares: every share of it is inferred here, as each row says.
    """
    table = reported.read(TABLE_12)
    counts = {source: int(n) for source, n in table.column("samples").items()}
    stated = sum(bool(table.cell(source, "modality")) for source in counts)
    how = {
        "language": "inferred: sums of Table 12 by the suffix (Ara)",
        "modality": f"inferred: sums of Table 12; the modality of {stated} of {len(counts)} sources is stated, "
        "the others as we read them",
    }
    rows = []
    for group, column, value in (
        ("language", "language", "en"), ("language", "language", "ar"),
        ("modality", "modality_inferred", "text"), ("modality", "modality_inferred", "image_text"),
    ):  # fmt: skip
        share = sum(n for source, n in counts.items() if table.cell(source, column) == value) / sum(counts.values())
        own = composition.rows(**{group: value}) / composition.n_rows
        name = language_name(value) if group == "language" else value.replace("_", "-")
        rows.append((name, f"{share:.1%}", f"{own:.1%}", how[group]))
    here = "this data set" if kind == "paper" else f"this data set ({kind}, no result of the paper)"
    return Table(("rows", "BiMed-V", here, "how the paper's share is known"), tuple(rows), "Shares of the rows")


# --- rows ------------------------------------------------------------------------------------------------------------


def telling_row(parts: Sequence[PartFile]) -> Row:
    """The first row with an image; where there is none, the first row.

    Raises:
        DataError: no part has a row.
    """
    row = next((row for part in parts for row in part.rows() if row.images), None)
    row = row or next((row for part in parts for row in part.rows()), None)
    if row is None:
        raise DataError(f"none of the {len(parts)} parts has a row; expected at least one: look at their files")
    return row


def row_table(row: Row) -> Table:
    """A stored row, field by field."""
    turns = [f"{turn['role']}: {_with_marks(turn)}" for turn in row.messages]
    cells = (
        ("id", row.id),
        ("language", row.language),
        ("task", row.task),
        ("source", row.source),
        *((f"message {number}", turn) for number, turn in enumerate(turns, start=1)),
        ("images", "\n".join(f"{key[:16]}..." for key in row.images)),
        ("kind", row.kind),
        ("choices", "\n".join(row.choices)),
        ("answer", row.answer),
        *((f"fact: {name}", value) for name, value in row.facts.items()),
    )
    return Table(("field", "value"), cells, "A row")


def _with_marks(turn: Message) -> str:
    return " ".join(
        f"[{part['type']}]" if part["type"] == "image" else part["text"].strip() for part in turn["content"]
    )


def one_of_each_kind(dataset: "Dataset") -> list[Row]:
    """For each task with and without images one row, its twin of the other language behind it where there is one."""
    names = ("id", "source", "language", "task", "modality")
    places: dict[tuple[str, str], dict[str, int]] = {}
    first: dict[tuple[str, str], int] = {}
    chosen: dict[tuple[str, str], list[int]] = {}
    for place, (row_id, source, language, task, modality) in enumerate(
        zip(*(dataset[name] for name in names), strict=True)
    ):
        first.setdefault((task, modality), place)
        twins = places.setdefault((source.removesuffix(ARABIC), row_id), {})
        twins[language] = place
        if len(twins) > 1:
            chosen.setdefault((task, modality), [twins["en"], twins["ar"]])
    return [row_at(dataset, place) for kind in sorted(first) for place in chosen.get(kind, [first[kind]])]


def sample_of(row: Row, images: ImageStore) -> Sample:
    """A stored row with its images opened, as training and the figures take it."""
    opened = [images.open(key) for key in row.images]
    messages = [images_first(turn) for turn in row.messages]
    return Sample(row.id, row.language, row.task, row.source, messages, opened, row.kind, row.choices)
