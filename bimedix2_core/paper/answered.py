"""Answered: what one model gave to some questions, and its metrics as cells of an exhibit with their protocol card."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bimedix2_core import __version__
from bimedix2_core.bench.task import Result
from bimedix2_core.paper.exhibits import Exhibit
from bimedix2_core.paper.measured import Measured, measured
from bimedix2_core.paper.protocol import card_of
from bimedix2_core.records import Row
from bimedix2_core.runs import Run, content_key


@dataclass(frozen=True)
class Answered:
    """One model and what it was asked."""

    row: str
    """Id of its row in the exhibit."""
    dataset: str
    """Name of what was asked."""
    rows: tuple[Row, ...]
    """The questions."""
    prompt_hash: str
    """Content key of the prompts."""
    model_key: str
    decoding: Mapping[str, Any]
    judge: str | None = None
    """Who graded; none where no judge did."""


def result_cells(run: Run, exhibit: Exhibit, answered: Answered, found: Mapping[str, Result]) -> list[Measured]:
    """Results as cells of an exhibit; their cards name all questions of the model, of which a column may count a part.

    Args:
        run: of the notebook.
        exhibit: where they belong.
        answered: the model and what it was asked.
        found: results by column.

    Raises:
        PaperError: the exhibit has no such column.
        DataError: a number does not fit its column.
    """
    revision = content_key([one.as_json() for one in answered.rows])[:12]
    split = content_key([[one.source, one.language, one.id] for one in answered.rows])
    cells = []
    for column, result in found.items():
        card = card_of(
            run,
            dataset=answered.dataset,
            dataset_revision=revision,
            split_hash=split,
            n=result.estimate.n + result.n_unscored,
            prompt_hash=answered.prompt_hash,
            scorer=f"bimedix2_core {__version__}",
            definition=f"{result.metric}, {result.definition}",
            model_fingerprint=answered.model_key,
            decoding=answered.decoding,
            judge=answered.judge,
        )
        cells.append(measured(exhibit, answered.row, column, result.estimate, n_unscored=result.n_unscored, card=card))
    return cells
