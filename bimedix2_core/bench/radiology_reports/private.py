"""Private: what may be written, shown or sent of credentialed reports.

Rows of MIMIC-CXR and MIMIC-III, and what a model writes about them, stay on the machine. What enters outputs is their
hashed id, the hash of the text, and numbers, unless the profile allows more.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import urlsplit

from bimedix2_core.bench.task import Score
from bimedix2_core.data.sources.reports import CREDENTIALED
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row
from bimedix2_core.runs import content_key

_SHOWN = 12


def is_private(row: Row) -> bool:
    """Whether a row comes from data that only credentialed people may read."""
    return row.source in CREDENTIALED


def shown(row: Row, text: str, *, may_show: bool = False) -> str:
    """A text of or about a row as it may stand in a notebook: itself, or its hash and length.

    Example:
        >>> shown(Row("1", "en", "report_generation", "mimic_cxr", []), "No effusion.")
        '(credentialed text withheld: 2 words, hash 6490b783fcaf)'
    """
    if may_show or not is_private(row):
        return text
    return f"(credentialed text withheld: {len(text.split())} words, hash {_hash(row, text)})"


def public_record(row: Row, text: str, *, may_show: bool = False) -> dict[str, str | int]:
    """A prediction as it may enter outputs: id, language, number of words, and the text only where it may be shown.

    Elsewhere its hash stands for it, which tells whether two runs wrote the same.
    """
    record = {"id": row.id, "language": row.language, "source": row.source, "n_words": len(text.split())}
    if may_show or not is_private(row):
        return record | {"prediction": text}
    return record | {"prediction_hash": _hash(row, text)}


def public_scores(rows: Iterable[Row], scores: Iterable[Score], *, may_show: bool = False) -> list[Score]:
    """Scores as they may enter outputs: prediction and target are withheld as `shown` does it.

    Raises:
        DataError: a score is not that of the row beside it.
    """
    public = []
    for row, score in zip(rows, scores, strict=True):
        if (row.id, row.language) != (score.sample_id, score.language):
            raise DataError(f"score of {score.sample_id!r} stands beside row {row.id!r}; give both in one order")
        texts = {name: shown(row, getattr(score, name), may_show=may_show) for name in ("prediction", "target")}
        public.append(replace(score, **texts))
    return public


def check_may_be_sent(rows: Iterable[Row], url: str, *, is_allowed: bool = False) -> None:
    """Refuse to send credentialed rows to a model on another machine.

    Args:
        rows: what is to be asked.
        url: address of the endpoint.
        is_allowed: the profile says that its operator may have the data (PhysioNet names conditions for that).

    Raises:
        DataError: a row is credentialed, the address is not this machine's, and the profile does not allow it.
    """
    sources = sorted({row.source for row in rows if is_private(row)})
    if sources and not is_allowed and not _is_this_machine(url):
        raise DataError(
            f"reports of {', '.join(sources)} would be sent to {urlsplit(url).hostname or url!r}; PhysioNet's data use "
            "agreement forbids it unless the operator is cleared for the data: use a model on this machine, or allow "
            "it in the profile"
        )


def _hash(row: Row, text: str) -> str:
    """Of the text with the whole row: who has not the data finds no text by trying the usual sentences."""
    return content_key({"row": row.messages, "text": text})[:_SHOWN]


def _is_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
