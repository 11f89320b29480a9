"""Page: all exhibits of one profile, each with what was reported, what this machine measured and what stands between.

A notebook shows it, and its HTML form is the page that a run leaves behind.
"""

import base64
import html
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from PIL import Image

from bimedix2_core.paper.compare import Comparison, Verdict, Word, compare, waits_for
from bimedix2_core.paper.exhibits import exhibits
from bimedix2_core.paper.exhibits.forms import reported_table
from bimedix2_core.paper.exhibits.schema import Exhibit
from bimedix2_core.paper.measured import load_measured, measured_file


@dataclass(frozen=True)
class Entry:
    """One exhibit on the page."""

    comparison: Comparison
    picture: str
    """The figure this run drew, as an image element; empty where it drew none."""
    table: str
    """The table this run made of an exhibit without numbers to compare, as HTML; empty where it made none."""
    is_demo: bool
    """Whether the run is a demo."""
    provenance: str
    """Commit, seed and time of the notebook that made it; empty where it was not run."""

    @property
    def exhibit(self) -> Exhibit:
        """Its declaration."""
        return self.comparison.exhibit

    @property
    def verdict(self) -> str:
        """What the comparison comes to; for an exhibit without numbers, whether it was made."""
        if self.comparison.rows and (self.has_numbers or not self.was_made):
            return self.comparison.summary
        if self.was_made:
            return "demo" if self.is_demo else str(Verdict("not reported", "no number to compare"))
        return str(waits_for(self.exhibit))

    @property
    def has_numbers(self) -> bool:
        """Whether the run measured a number of it."""
        return any(row.measured for row in self.comparison.rows)

    @property
    def was_made(self) -> bool:
        """Whether this run has anything of it to show."""
        return bool(self.picture or self.table) or self.has_numbers

    def _repr_html_(self) -> str:
        one = self.exhibit
        parts = [
            f"<h3 id='{one.id}'>{html.escape(one.label)}</h3>",
            f"<p>{html.escape(one.caption)}</p>",
            f"<p><b>{html.escape(self.verdict)}</b> {_notebook_link(one, is_there=bool(self.provenance))}"
            f"{html.escape(f' ({self.provenance})' if self.provenance else '')}</p>",
            f"<div style='max-width:60em'>{self.picture}</div>" if self.picture else "",
            self.table,
            _numbers(self),
        ]
        return "\n".join(part for part in parts if part)


@dataclass(frozen=True)
class Page:
    """The exhibits in the order of the papers; a notebook shows them one below the other."""

    profile: str
    entries: tuple[Entry, ...]

    @property
    def summary(self) -> str:
        """How many exhibits this run made, and how the numbers of all compare."""
        made = [entry for entry in self.entries if entry.was_made]
        verdicts: Counter[str] = sum((entry.comparison.counts for entry in self.entries), Counter())
        cells = ", ".join(f"{verdicts[word]} {word}" for word in get_args(Word) if verdicts[word])
        return (
            f"Profile {self.profile}: {len(made)} of {len(self.entries)} exhibits were made here. "
            f"Numbers the papers print or this run measured: {sum(verdicts.values())}, of which {cells}."
        )

    def overview(self) -> "Overview":
        """One line per exhibit, with a link down to it."""
        return Overview(self.entries)

    def __repr__(self) -> str:
        return f"Page of profile {self.profile}: {len(self.entries)} exhibits"

    def _repr_html_(self) -> str:
        return "\n".join(entry._repr_html_() for entry in self.entries)


@dataclass(frozen=True)
class Overview:
    """The exhibits, one line each."""

    entries: tuple[Entry, ...]

    def __repr__(self) -> str:
        return "\n".join(f"{entry.exhibit.label}: {entry.verdict}" for entry in self.entries)

    def _repr_html_(self) -> str:
        left = "style='text-align:left; vertical-align:top'"
        head = "".join(f"<th {left}>{name}</th>" for name in ("exhibit", "what it shows", "notebook", "verdict"))
        rows = "\n".join(
            f"<tr><td {left}><a href='#{entry.exhibit.id}'>{html.escape(entry.exhibit.label)}</a></td>"
            f"<td {left}>{html.escape(entry.exhibit.caption)}</td>"
            f"<td {left}>{_notebook_link(entry.exhibit, is_there=bool(entry.provenance))}</td>"
            f"<td {left}>{html.escape(entry.verdict)}</td></tr>"
            for entry in self.entries
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def collect(shared: Path, *, is_demo: bool) -> Page:
    """The page of one profile, from what its notebooks left behind.

    Args:
        shared: folder of the profile.
        is_demo: whether the profile is a demo's.

    Raises:
        DataError: a file of measured cells is damaged, or of another exhibit.
    """
    return Page(shared.name, tuple(_entry(one, shared, is_demo=is_demo) for one in exhibits()))


def _entry(exhibit: Exhibit, shared: Path, *, is_demo: bool) -> Entry:
    cells_file, png = measured_file(shared, exhibit), exhibit.file(shared, "png")
    cells = load_measured(cells_file, exhibit) if cells_file.is_file() else ()
    form = exhibit.file(shared, "html")
    return Entry(
        comparison=compare(exhibit, cells),
        picture=_embedded(png, exhibit) if png.is_file() else "",
        table=form.read_text(encoding="utf-8") if form.is_file() else "",
        is_demo=is_demo,
        provenance=_provenance(shared / exhibit.notebook.name / "run.json"),
    )


def _embedded(png: Path, exhibit: Exhibit) -> str:
    """An image element that holds the file, so that the page needs no other."""
    content = base64.b64encode(png.read_bytes()).decode("ascii")
    with Image.open(png) as picture:
        said = picture.info.get("Description") or exhibit.caption
    alt = html.escape(f"{exhibit.label}: {said}", quote=True)
    return f"<img style='max-width:100%' alt=\"{alt}\" src='data:image/png;base64,{content}'>"


def _provenance(run_json: Path) -> str:
    if not run_json.is_file():
        return ""
    record = json.loads(run_json.read_text(encoding="utf-8"))
    commit = (record["git"] or {}).get("commit", "no commit")[:12]
    return f"{record['started'][:10]}, commit {commit}, seed {record['seed']}, parameters {record['params_key'][:12]}"


def _notebook_link(exhibit: Exhibit, *, is_there: bool) -> str:
    name = exhibit.notebook.name
    return f"<a href='{name}.ipynb'>{name}</a>" if is_there else name


def _numbers(entry: Entry) -> str:
    """Reported beside measured where anything was measured, else what the paper prints, folded away."""
    if entry.has_numbers:
        return entry.comparison.table()._repr_html_()
    if entry.exhibit.reported is None:
        return ""
    table = reported_table(entry.exhibit)._repr_html_()
    return f"<details><summary>as reported</summary>{table}</details>"
