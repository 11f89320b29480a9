"""Shards: the drawn rows of all parts, shuffled over the whole and written as Parquet, a few thousand at a time.

They are made in a folder of their own and moved in when all are whole; the manifest comes last.
"""

import contextlib
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from platform import python_version

import pyarrow.parquet as pq

from bimedix2_core import __version__
from bimedix2_core.data.compose import manifest
from bimedix2_core.data.compose.columns import SCHEMA
from bimedix2_core.data.compose.manifest import Composition, Count, PartCount, Shard
from bimedix2_core.data.compose.recipe import Share, exact, scaled
from bimedix2_core.data.compose.selection import Part, Selection, select
from bimedix2_core.data.compose.shuffle import Buckets, IsClean, Kind, spread
from bimedix2_core.errors import DataError
from bimedix2_core.runs import data_key

NAME = "bimed_v"
"""What BiMed-V's shards are called by, as in ``bimed_v-00000-of-00012.parquet``."""

CARD = "README.md"
"""The data card beside the shards; a new composition takes the old one away."""

CACHE = ".cache"
"""What ``reading`` makes of the shards to map them into memory."""

ROWS_PER_GROUP = 1000
"""Rows of a Parquet row group: what a reader has to decode at once."""

_DRAFT = ".draft"


def compose(
    parts: Sequence[Part], wanted: Mapping[str, int | Decimal], *, folder: Path, seed: int, rows_per_shard: int,
    share: Share = 1, is_clean: IsClean | None = None, name: str = NAME,
) -> Composition:  # fmt: skip
    """Compose a data set with exact counts from its parts and write it as sharded Parquet.

    Each part is read twice. Rows and their order depend on the seed, the ids and the counts only, not on the order of
    the parts. A part that has too few rows, or is not given, is stated as a shortfall. A process that is killed leaves
    the data set that was there before; in the moment of the exchange it leaves one without a manifest, which no reader
    takes for a data set.

    Args:
        parts: the sources at hand.
        wanted: rows of each source, such as the column ``samples`` of Table 12 without its total.
        folder: where the shards, ``dataset.json`` and the data card stand; other files in it are left alone.
        seed: of the draw and of the shuffle.
        rows_per_shard: the last shard may have fewer.
        share: which part of the wanted rows, scaled so that the counts add up exactly.
        is_clean: what decontamination says of a row; without it the column ``clean`` is null.
        name: of the data set, with which the names of its shards begin.

    Raises:
        DataError: a part is given twice or is not in the recipe, an id stands twice in a part, a part changes between
            the two readings, a value of a row is no valid text, or there is no row at all.

    Source:
        Table 12 for the counts; how the authors drew and shuffled is not published.
    """
    recipe = scaled(wanted, share)
    if rows_per_shard < 1:
        raise DataError(f"compose: {rows_per_shard} rows for each shard; expected at least 1")
    _check_known([part.source_id for part in parts], recipe)
    selections = {part.source_id: select(part, recipe[part.source_id], seed=seed) for part in parts}
    n_rows = sum(selection.taken for selection in selections.values())
    if not n_rows:
        raise DataError(f"compose: none of the {len(parts)} parts has a row that is wanted; expected at least one")
    with _draft_folder(folder) as draft:
        rows = (row for selection in selections.values() for row in selection.rows())
        buckets = spread(rows, draft, n_rows=n_rows, seed=seed, is_clean=is_clean)
        shards = _write_shards(buckets, draft, name, n_rows=n_rows, rows_per_shard=rows_per_shard)
        composition = Composition(
            seed=seed,
            share=str(exact(share)),
            parts=tuple(_part_count(source_id, n, selections.get(source_id)) for source_id, n in recipe.items()),
            counts=_counts(buckets.counts, recipe),
            shards=shards,
            versions={"bimedix2_core": __version__, "pyarrow": version("pyarrow"), "python": python_version()},
        )
        _exchange(folder, draft, composition, name)
    return composition


def _check_known(source_ids: Sequence[str], recipe: Mapping[str, int]) -> None:
    twice = sorted({one for one in source_ids if source_ids.count(one) > 1})
    unknown = sorted(set(source_ids) - set(recipe))
    if twice or unknown:
        raise DataError(
            f"compose: parts given twice: {twice}, parts the recipe does not have: {unknown}; "
            f"expected each once, of: {', '.join(recipe)}"
        )


@contextlib.contextmanager
def _draft_folder(folder: Path) -> Iterator[Path]:
    """A fresh folder in the data set's for what is not finished; what a killed process left in it is thrown away."""
    draft = folder / _DRAFT
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _write_shards(buckets: Buckets, draft: Path, name: str, *, n_rows: int, rows_per_shard: int) -> tuple[Shard, ...]:
    """Cut the shuffled rows into shards."""
    n_shards = -(-n_rows // rows_per_shard)
    tables = (table for table in buckets.tables() if len(table))
    rest = SCHEMA.empty_table()
    shards = []
    for index in range(n_shards):
        file = draft / f"{name}-{index:05d}-of-{n_shards:05d}.parquet"
        size = room = min(rows_per_shard, n_rows - index * rows_per_shard)
        with pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer:
            while room:
                rest = rest if len(rest) else next(tables)
                piece, rest = rest.slice(0, room), rest.slice(room)
                writer.write_table(piece, row_group_size=ROWS_PER_GROUP)
                room -= len(piece)
        shards.append(Shard(file.name, size, data_key(file)))
    return tuple(shards)


def _part_count(source_id: str, wanted: int, selection: Selection | None) -> PartCount:
    if selection is None:
        return PartCount(source_id, wanted, available=0, taken=0)
    return PartCount(source_id, wanted, selection.available, selection.taken)


def _counts(counted: Counter[Kind], recipe: Mapping[str, int]) -> tuple[Count, ...]:
    order = list(recipe)
    groups = sorted({key[:3] for key in counted}, key=lambda group: (order.index(group[0]), *group[1:]))
    return tuple(
        Count(
            *group,
            rows=sum(counted[*group, clean] for clean in (True, False, None)),
            n_clean=counted[*group, True],
            n_unclean=counted[*group, False],
        )
        for group in groups
    )


def _exchange(folder: Path, draft: Path, composition: Composition, name: str) -> None:
    """Put the new shards in the place of the old ones; without a manifest meanwhile, so that no mixture is read."""
    written = manifest.save(draft, composition)
    (folder / manifest.MANIFEST).unlink(missing_ok=True)
    for file in [*folder.glob(f"{name}-*-of-*.parquet"), folder / CARD]:
        file.unlink(missing_ok=True)
    shutil.rmtree(folder / CACHE, ignore_errors=True)
    for shard in composition.shards:
        (draft / shard.file).replace(folder / shard.file)
    written.replace(folder / manifest.MANIFEST)
