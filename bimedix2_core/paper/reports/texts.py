"""Texts of reports: the sets, how a report is asked for, what was written, and what a tokenizer makes of Arabic."""

from collections.abc import Mapping, Sequence
from typing import Any

from bimedix2_core.bench.radiology_reports.overlap import multimedeval_rouge, rouge
from bimedix2_core.bench.radiology_reports.private import shown
from bimedix2_core.bench.radiology_reports.protocols import Protocol, findings_of, protocols, reference_of
from bimedix2_core.bench.radiology_reports.sizes import size_remark
from bimedix2_core.paper.set_titles import REPORTS, title_of
from bimedix2_core.paper.tables import Table, language_name
from bimedix2_core.records import LANGUAGES, Row, n_images

TASKS = {"report_generation": "images to findings", "report_summarisation": "findings to impression"}

ARABIC = (
    "\u0644\u0627 \u064a\u0648\u062c\u062f \u062f\u0644\u064a\u0644 \u0639\u0644\u0649 "
    "\u0627\u0644\u062a\u0647\u0627\u0628 \u0631\u0626\u0648\u064a \u062d\u0627\u062f"
)
"""No evidence of acute pneumonia."""


def set_table(sets: Mapping[str, Sequence[Row]], left_out: Mapping[str, Mapping[str, int]]) -> Table:
    """What is measured: reports of each set, what is asked, what was left out and how the published size compares."""
    cells = tuple(
        (title_of(rows), TASKS[rows[0].task], " and ".join(dict.fromkeys(language_name(row.language) for row in rows)),
         len(rows), ", ".join(f"{count:,} {reason}" for reason, count in left_out.get(name, {}).items()) or "none",
         size_remark(rows) or ("as published" if rows[0].source in REPORTS else "drawn"))
        for name, rows in sets.items()
    )  # fmt: skip
    return Table(("set", "task", "language", "reports", "left out", "size"), cells, "Reports")


def report_table(sets: Mapping[str, Sequence[Row]], *, may_show: bool) -> Table:
    """One report of each set and language; of credentialed ones only hashes, unless the profile allows more."""
    cells = []
    for rows in sets.values():
        first = {row.language: row for row in reversed(rows)}
        for row in (first[language] for language in LANGUAGES if language in first):
            texts = (shown(row, text, may_show=may_show) for text in (_given(row), reference_of(row)))
            cells.append((title_of(rows), *texts))
    return Table(("set", "given", "expected"), tuple(cells), "One report of each")


def protocol_table(asked: Mapping[tuple[str, str], Protocol]) -> Table:
    """Every protocol, and which are used here.

    Args:
        asked: those used, by task and language.
    """
    used = {one.id for one in asked.values()}
    cells = tuple(
        (one.id, TASKS[one.task], language_name(one.language), one.request, one.origin, "yes" if one.id in used else "")
        for one in protocols().values()
    )
    return Table(("protocol", "task", "language", "request", "whose", "used"), cells, "How a report is asked for")


def tokenizer_table() -> Table:
    """ROUGE of Arabic answers to one sentence, itself among them: with the published tokenizer, and with ours."""
    shorter = " ".join(ARABIC.split()[:-1])
    cells = tuple(
        (words, said or "(nothing)", multimedeval_rouge(said, ARABIC)["ROUGE-L"], rouge(said, ARABIC)["ROUGE-L"])
        for words, said in (("the reference itself", ARABIC), ("without its last word", shorter), ("nothing", ""))
    )
    return Table(("answer", "text", "ROUGE-L, published tokenizer", "ROUGE-L, ours"), cells, "Arabic and a tokenizer")


def answer_table(sets: Mapping[str, Sequence[Row]], written: Mapping[str, Any], *, may_show: bool, n: int = 3) -> Table:
    """Some answers of one model beside what was expected, evenly from each set; credentialed ones as in `report_table`.

    Args:
        sets: reports by set.
        written: what the model wrote, by set (`respondents.Written`).
        may_show: whether the profile allows to show credentialed texts.
        n: answers of each set.
    """
    cells = []
    for name, rows in sets.items():
        pairs = list(zip(rows, written[name].texts, strict=True))
        step = max(1, len(pairs) // n)
        cells += [
            (title_of(rows), *(shown(row, one, may_show=may_show) or "(nothing)" for one in (reference_of(row), text)))
            for row, text in pairs[step // 2 :: step][:n]
        ]
    return Table(("set", "expected", "written"), tuple(cells), "Some answers")


def _given(row: Row) -> str:
    """The findings to be summed up, or how many images there are to report on."""
    n = n_images(row.messages)
    return findings_of(row) if n == 0 else "1 image" if n == 1 else f"{n} images"
