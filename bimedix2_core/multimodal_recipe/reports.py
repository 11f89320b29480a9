"""Reports as a profile names them: MIMIC-CXR, MIMIC-III and IU X-ray, how they are asked for, and the scorers."""

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from bimedix2_core.bench.radiology_reports import external
from bimedix2_core.bench.radiology_reports.bertscore import Encoder
from bimedix2_core.bench.radiology_reports.measured import NotMeasured
from bimedix2_core.bench.radiology_reports.private import check_may_be_sent, is_private
from bimedix2_core.bench.radiology_reports.protocols import Protocol, prompt_key, protocol_named, query
from bimedix2_core.bench.radiology_reports.results import english_pairs, results
from bimedix2_core.bench.statistics import FewClustersWarning
from bimedix2_core.bench.task import Result
from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.data.sources import BadRows
from bimedix2_core.data.sources.reports import MimicCxr, iu_xray, mimic_cxr, mimic_iii
from bimedix2_core.demo.reports import write_reports
from bimedix2_core.errors import DataError
from bimedix2_core.paper.answered import Answered
from bimedix2_core.paper.reports import TITLES
from bimedix2_core.params import Params, ReportsParams, root
from bimedix2_core.records import Query, Row
from bimedix2_core.respondents import AnswerFolder, Respondent, Written
from bimedix2_core.runs import output_dir

GENERATION, SUMMARISATION, OPEN_SET = "mimic_cxr", "mimic_iii", "iu_xray"
"""Names of the sets: Table 7's, Table 6's, and the one that anybody may have."""


@dataclass(frozen=True)
class ReportSets:
    """The reports of a profile by set, and their images."""

    rows: Mapping[str, tuple[Row, ...]]
    images: ImageStore
    left_out: Mapping[str, Counter[str]] = field(default_factory=dict)
    """Reports that were not taken, by set and reason."""

    def queries(self, params: Params) -> dict[str, list[Query]]:
        """What a model is asked, by set."""
        asked = protocols_of(params)
        return {name: [self._query(row, asked) for row in rows] for name, rows in self.rows.items()}

    def _query(self, row: Row, asked: Mapping[tuple[str, str], Protocol]) -> Query:
        if (row.task, row.language) not in asked:
            raise DataError(f"no protocol for {row.task} in {row.language!r}; name one in benchmarks.reports.protocols")
        return query(row, asked[row.task, row.language], self.images.open)


def protocols_of(params: Params) -> dict[tuple[str, str], Protocol]:
    """The protocol of each task and language: the first that the profile names."""
    found: dict[tuple[str, str], Protocol] = {}
    for name in params.benchmarks.reports.protocols:
        protocol = protocol_named(name)
        found.setdefault((protocol.task, protocol.language), protocol)
    return found


def private_folder(params: Params, folder: Path) -> Path:
    """Where answers, annotations and images of reports are kept: apart from outputs where the profile says so.

    Args:
        params: the profile.
        folder: of the run; taken where the profile names none.

    Raises:
        DataError: the profile's folder is in outputs, wherever these are.
    """
    private = params.benchmarks.reports.private
    if not private:
        return folder
    place, outputs = (root() / private).resolve(), output_dir(params.run.profile).parent.resolve()
    if place.is_relative_to(outputs):
        raise DataError(
            f"benchmarks.reports.private is {private!r}, which is in outputs ({outputs.name}); name another folder for "
            "what quotes credentialed reports"
        )
    return place / params.run.profile


def report_sets(params: Params, folder: Path) -> ReportSets:
    """The credentialed sets that a profile names, or reports on phantoms in their published formats.

    Args:
        params: the profile.
        folder: takes the images, and what is drawn; credentialed images make it as private as the data.

    Raises:
        DataError: a set cannot be read.
    """
    settings = params.benchmarks.reports
    images = ImageStore(folder / "report_images")
    if not _are_drawn(settings):
        return _published(params, images)
    drawn = write_reports(folder / "reports_drawn", n=settings.n_reports or 1, seed=params.run.seed)
    left_out = {name: Counter() for name in (GENERATION, SUMMARISATION)}
    places = MimicCxr(drawn.mimic_cxr_reports, drawn.mimic_cxr_split, drawn.mimic_cxr_images)
    twins = [
        row
        for language, file in (("en", drawn.iu_xray), ("ar", drawn.iu_xray_ar))
        for row in iu_xray(
            file, bad_rows=BadRows(0), image_folder=drawn.iu_xray_images, store=images, language=language
        )
    ]
    rows = {
        SUMMARISATION: mimic_iii(drawn.mimic_iii_notes, bad_rows=BadRows(0), left_out=left_out[SUMMARISATION]),
        GENERATION: mimic_cxr(places, bad_rows=BadRows(0), store=images, left_out=left_out[GENERATION]),
        OPEN_SET: twins,
    }
    stand_ins = {
        name: tuple(replace(row, source=f"{TITLES[name]}'s stand-in") for row in read) for name, read in rows.items()
    }
    return ReportSets(stand_ins, images, left_out)


def check_models(models: Sequence[Respondent | AnswerFolder], sets: ReportSets, params: Params) -> None:
    """Refuse to send credentialed reports to an endpoint on another machine, or to keep its answers in outputs.

    Raises:
        DataError: there are credentialed reports, and a model of the profile answers elsewhere or keeps what it answers
            outside the private folder.
    """
    rows = [row for one in sets.rows.values() for row in one]
    endpoints = params.benchmarks.endpoints
    for model in (one for one in models if isinstance(one, Respondent) and one.row in endpoints):
        check_may_be_sent(rows, endpoints[model.row].url or "")
        private = private_folder(params, model.folder)
        if any(map(is_private, rows)) and not model.folder.resolve().is_relative_to(private.resolve()):
            raise DataError(
                f"endpoint {model.row!r} would keep its answers to credentialed reports in {model.folder}; give "
                "respondents the private folder"
            )


def report_results(
    params: Params, rows: Sequence[Row], texts: Sequence[str], folder: Path
) -> list[Result | NotMeasured]:
    """Every metric of one model's reports of one set, with what was not run.

    Args:
        params: the profile; its separate Python annotates, if it has one.
        rows: reports of one task.
        texts: what the model wrote.
        folder: keeps the annotations.
    """
    settings = params.benchmarks.reports
    python = root() / settings.scorers_python if settings.scorers_python else None
    pairs = english_pairs(rows, texts)
    scores = external.annotate(pairs, python=python, cache=folder / "annotations") if pairs else None
    encoder = Encoder(settings.bert_score) if settings.bert_score else None
    return results(rows, texts, external=scores, bertscore=encoder)


def all_results(
    params: Params, sets: ReportSets, written: Mapping[str, Mapping[str, Written]], folder: Path
) -> dict[tuple[str, str], list[Result | NotMeasured]]:
    """Every metric of every model, by its row and the set; n stands in the table, so no warning is needed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FewClustersWarning)
        return {
            (row, name): report_results(params, rows, sets_[name].texts, folder / row)
            for row, sets_ in written.items()
            for name, rows in sets.rows.items()
        }


def of_set(
    params: Params,
    sets: ReportSets,
    written: Mapping[str, Mapping[str, Written]],
    found: Mapping[tuple[str, str], Sequence[Result | NotMeasured]],
    name: str,
) -> tuple[list[Answered], dict[str, Sequence[Result | NotMeasured]]]:
    """Each model that was asked a set and its results by row, for the cells of Table 6 or 7; none without the set."""
    if name not in sets.rows:
        return [], {}
    rows = sets.rows[name]
    protocol = protocols_of(params)[rows[0].task, "en"]
    is_own = _are_drawn(params.benchmarks.reports)
    answered = [
        Answered(
            row,
            f"stand-in of {name}" if is_own else name,
            rows,
            prompt_key(protocol),
            sets_[name].model_key,
            {**sets_[name].decoding, "protocol": protocol.id},
        )
        for row, sets_ in written.items()
    ]
    return answered, {row: found[row, name] for row in written}


def _are_drawn(settings: ReportsParams) -> bool:
    """Whether the profile names no set, so that the project draws its own."""
    return not (settings.mimic_cxr or settings.mimic_iii or settings.iu_xray)


def _published(params: Params, images: ImageStore) -> ReportSets:
    settings, n = params.benchmarks.reports, params.benchmarks.reports.n_reports
    rows: dict[str, tuple[Row, ...]] = {}
    left_out: dict[str, Counter[str]] = {}
    if settings.mimic_iii:
        left_out[SUMMARISATION] = Counter()
        ids = _ids(root() / settings.mimic_iii_ids) if settings.mimic_iii_ids else None
        notes = mimic_iii(
            root() / settings.mimic_iii, bad_rows=BadRows(0), ids=ids, left_out=left_out[SUMMARISATION]
        )  # fmt: skip
        rows[SUMMARISATION] = tuple(islice(notes, n))
    if settings.mimic_cxr:
        left_out[GENERATION] = Counter()
        place = root() / settings.mimic_cxr
        places = MimicCxr(place, place / "mimic-cxr-2.0.0-split.csv.gz", place)
        studies = mimic_cxr(places, bad_rows=BadRows(0), store=images, left_out=left_out[GENERATION])
        rows[GENERATION] = tuple(islice(studies, n))
    if settings.iu_xray:
        file = root() / settings.iu_xray
        reports = iu_xray(file, bad_rows=BadRows(0), image_folder=file.parent / "images", store=images)
        rows[OPEN_SET] = tuple(islice(reports, n))
    empty = [name for name, read in rows.items() if not read]
    if empty:
        raise DataError(
            f"{', '.join(empty)}: no report that can be scored; are these the files and, for {SUMMARISATION}, its ids?"
        )
    return ReportSets(rows, images, left_out)


def _ids(file: Path) -> list[str]:
    """One on each line."""
    if not file.is_file():
        raise DataError(f"{file}: no such file of note ids; fetch it, or write mimic_iii_ids: null to take all notes")
    return file.read_text(encoding="utf-8").split()
