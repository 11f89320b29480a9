"""Measuring: who stands for each row of Tables 9 and 10, what they answer, and what is found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bimedix2_core.ablation_recipe.training import Trained
from bimedix2_core.ablation_recipe.variants import BASELINE, TABLES, own_row, variants
from bimedix2_core.bench.clinical_qa.examined import Examined
from bimedix2_core.bench.clinical_qa.protocols import protocol_named
from bimedix2_core.bench.clinical_qa.sets import TABLE2
from bimedix2_core.bench.mbench import Judged
from bimedix2_core.benchmark_recipe import ask, question_sets, shots_of
from bimedix2_core.errors import DataError
from bimedix2_core.inference.backends import LocalBackend
from bimedix2_core.model.checkpoints import load_adapter, load_projector
from bimedix2_core.multimodal_recipe import mbench
from bimedix2_core.multimodal_recipe.mbench import MbenchModels, MbenchSet
from bimedix2_core.paper.ablations import Ablated, SeedRun
from bimedix2_core.paper.exhibits import exhibit
from bimedix2_core.paper.tables import Table
from bimedix2_core.params import Params
from bimedix2_core.recipe import load_base
from bimedix2_core.records import LANGUAGES, Sample
from bimedix2_core.respondents import Respondent, Written, respondents
from bimedix2_core.runs import JsonlStore


@dataclass(frozen=True)
class Entry:
    """One row of an exhibit and who stands for it."""

    exhibit: str
    row: str
    """Id of the row; the model's own name takes the place of the paper's 8B."""
    reported: str
    """Id of the paper's row."""
    title: str
    models: Mapping[int, Respondent]
    """By seed."""


def entries(params: Params, trained: Sequence[Trained], *, folder: Path) -> tuple[Entry, ...]:
    """The rows of both exhibits and who stands for each: what was trained, else the finished weights of the profile.

    Args:
        params: the profile.
        trained: what `trained_variants` gave.
        folder: takes what endpoints answer.

    Raises:
        DataError: nothing was trained, and the profile names no weights for either exhibit.
    """
    if not trained:
        return _finished(params, folder)
    models = {one: Respondent(one.name, partial(_loaded, params, one)) for one in trained}
    return tuple(
        Entry(
            exhibit_id,
            own_row(params, row),
            row,
            variant.title,
            {one.seed: model for one, model in models.items() if one.variant == variant},
        )
        for exhibit_id in TABLES
        for row, variant in variants(exhibit_id).items()
    )


def entry_table(found: Sequence[Entry]) -> Table:
    """Every row of both exhibits, how it was trained, and with which seeds."""
    lines = [
        (exhibit(one.exhibit).label, one.row, one.title, ", ".join(map(str, one.models)))
        for one in found
    ]  # fmt: skip
    return Table(("exhibit", "row", "trained", "seeds"), tuple(lines), "Who stands for which row")


def answers(found: Sequence[Entry], asked: MbenchSet, *, store: JsonlStore) -> dict[str, dict[str, Written]]:
    """What each model writes to BiMed-MBench in the languages of its tables, by its name and set."""
    english, arabic = (_models(found, exhibit_id) for exhibit_id in TABLES)
    return mbench.mbench_answers(MbenchModels(english, arabic, ()), (), asked, store=store)


def examinations(params: Params, found: Sequence[Entry], *, store: JsonlStore) -> dict[str, Examined]:
    """What each model of Table 9 gives to Table 2's English questions, by its name; under the profile's first protocol.

    One model is in memory at a time.
    """
    protocol = protocol_named(params.benchmarks.clinical_qa.protocols[0])
    rows = tuple(
        row
        for set_id, questions in question_sets(params).items()
        for row in questions
        if set_id in TABLE2 and row.language == TABLES["table09"]
    )
    shots = shots_of(params, protocol)
    return {
        model.row: ask(model.row, model.load(), protocol, rows, store=store, shots=shots)
        for model in _models(found, "table09")
    }


def ablated(
    params: Params,
    found: Sequence[Entry],
    asked: MbenchSet,
    written: Mapping[str, Mapping[str, Written]],
    judged: Mapping[str, Sequence[Judged]],
    examined: Mapping[str, Examined],
) -> dict[str, list[Ablated]]:
    """The rows of each exhibit with all that was found, for its cells and figures, by the id of the exhibit."""
    rows: dict[str, list[Ablated]] = {exhibit_id: [] for exhibit_id in TABLES}
    answered = {
        language: {one.row: one for one in mbench.as_answered(params, asked, written, judged, language)}
        for language in LANGUAGES
    }
    for entry in found:
        language = TABLES[entry.exhibit]
        clinical = examined if entry.exhibit == "table09" else {}
        seeds = {
            seed: SeedRun(answered[language][model.row], judged[model.row], clinical.get(model.row))
            for seed, model in entry.models.items()
        }
        rows[entry.exhibit].append(Ablated(entry.row, entry.reported, entry.title, seeds))
    return rows


def said_by_baseline(found: Sequence[Entry], samples: Sequence[Sample]) -> list[str] | None:
    """What the baseline of the first seed writes to some samples; None where it was not trained."""
    models = [model for one in found if one.reported == BASELINE.name for model in one.models.values()]
    return models[0].load().generate(samples) if models else None


def _finished(params: Params, folder: Path) -> tuple[Entry, ...]:
    """The rows that the profile names finished weights for."""
    found = tuple(
        Entry(exhibit_id, one.row, one.row, variants(exhibit_id)[one.row].title, {params.run.seed: one})
        for exhibit_id in TABLES
        for one in respondents(params, exhibit_id, folder=folder, stage1=None, stage2=None)
        if one.row not in params.benchmarks.endpoints
    )
    if not found:
        raise DataError(
            f"profile {params.run.profile} trains nothing and names no weights for {' or '.join(TABLES)}; name them in "
            "model.checkpoints, or leave this notebook out"
        )
    return found


def _models(found: Sequence[Entry], exhibit_id: str) -> tuple[Respondent, ...]:
    """Those of one exhibit, each once."""
    models = {model.row: model for one in found if one.exhibit == exhibit_id for model in one.models.values()}
    return tuple(models.values())


def _loaded(params: Params, trained: Trained) -> LocalBackend:
    lmm = load_projector(load_base(params), trained.stage1)
    if trained.stage2:
        lmm = load_adapter(lmm, trained.stage2)
    return LocalBackend(lmm, params.inference, seed=params.run.seed)
