"""Benchmark recipe: which questions about text are asked, as a profile names them, and what came of them."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from bimedix2_core.bench import uphill
from bimedix2_core.bench.clinical_qa.examined import Examined
from bimedix2_core.bench.clinical_qa.protocols import Protocol, protocol_named, query_of
from bimedix2_core.bench.clinical_qa.reading import DECLARED_HUB, read_set, read_shots
from bimedix2_core.bench.clinical_qa.sets import PUBMEDQA_TRUTH
from bimedix2_core.bench.judge import ask_judge
from bimedix2_core.bench.task import predict
from bimedix2_core.data.alignment import Audit, audit
from bimedix2_core.data.sources.catalogue import HUB
from bimedix2_core.demo.claims import draw_claims
from bimedix2_core.demo.clinical_sets import COLUMNS, clinical_sets
from bimedix2_core.paper.clinical import title_of
from bimedix2_core.params import ClinicalQaParams, Params, root
from bimedix2_core.records import Row
from bimedix2_core.respondents import AnswerFolder, Backend, Respondent, Written, answered, judge_model, texts_of
from bimedix2_core.runs import JsonlStore, content_key


def question_sets(params: Params) -> dict[str, tuple[Row, ...]]:
    """The questions of each set of Table 2 that the profile measures, English before Arabic, by the set's column.

    Where the profile names no set the project draws its own in their shape; `Row.kind` is the column in both cases.
    Of a set larger than ``n_per_set`` those with the lowest hash of their id are kept, the same in both languages.

    Raises:
        DataError: a set cannot be read or is not whole.
    """
    settings = params.benchmarks.clinical_qa
    if not settings.english and not settings.arabic:
        drawn = clinical_sets(settings.n_per_set or 100, seed=params.run.seed)
        return {
            COLUMNS[set_id]: tuple(dataclasses.replace(row, kind=COLUMNS[set_id]) for row in rows)
            for set_id, rows in drawn.items()
        }
    sets: dict[str, tuple[Row, ...]] = {}
    for language, places in (("en", settings.english), ("ar", settings.arabic)):
        for set_id, place in places.items():
            rows = read_set(set_id, _location(place), language, official_ids=_official_ids(settings))
            sets[set_id] = sets.get(set_id, ()) + _fewest_hashes(rows, settings.n_per_set)
    return sets


def shots_of(params: Params, protocol: Protocol) -> dict[tuple[str, str], tuple[Row, ...]]:
    """Worked examples for each set and language, where the protocol shows any and the profile reads published sets."""
    settings = params.benchmarks.clinical_qa
    places = [("en", settings.english), ("ar", settings.arabic)]
    if not protocol.shots:
        return {}
    return {
        (set_id, language): read_shots(set_id, _location(place), language, protocol.shots)
        for language, named in places
        for set_id, place in named.items()
    }


def examine(
    params: Params,
    models: Sequence[Respondent],
    sets: Mapping[str, Sequence[Row]],
    *,
    store: JsonlStore,
    protocols: Sequence[str] | None = None,
) -> dict[tuple[str, str], Examined]:
    """Ask every model every question under the protocols; by row and protocol.

    One model is in memory at a time. What the store has is not asked again.

    Args:
        params: the profile.
        models: who is asked.
        sets: questions of each set.
        store: keeps what is answered.
        protocols: their ids; None is all of the profile.
    """
    protocols = [protocol_named(one) for one in protocols or params.benchmarks.clinical_qa.protocols]
    rows = tuple(row for questions in sets.values() for row in questions)
    shots = {protocol.id: shots_of(params, protocol) for protocol in protocols}
    found = {}
    for model in models:
        backend = model.load()
        for protocol in protocols:
            shown = shots[protocol.id]
            found[model.row, protocol.id] = ask(model.row, backend, protocol, rows, store=store, shots=shown)
    return found


def ask(
    row: str,
    backend: Backend,
    protocol: Protocol,
    rows: Sequence[Row],
    *,
    store: JsonlStore,
    shots: Mapping[tuple[str, str], Sequence[Row]] | None = None,
) -> Examined:
    """Ask one model some questions under one protocol."""
    examples = shots or {}
    queries = [query_of(one, protocol, examples.get((one.kind, one.language), ())) for one in rows]
    if protocol.compared == "nothing":
        predictions = texts_of(backend, queries, store=store)
        scoring = "generation with extraction"
    else:
        decoding = {"compared": protocol.compared}
        predictions = predict(
            queries, backend.score_options, store=store, model_key=backend.model_key, decoding=decoding
        )
        scoring = backend.scoring
    return Examined(row, backend.name, backend.model_key, scoring, protocol, tuple(rows), tuple(predictions))


def claims_of(params: Params) -> tuple[Row, ...]:
    """UPHILL's queries, or those the project draws of its own facts.

    Raises:
        DataError: the file cannot be read or is not whole.
    """
    settings = params.benchmarks.uphill
    if settings.queries is None:
        return draw_claims(settings.n_claims, seed=params.run.seed)
    return uphill.read(_location(settings.queries))


def answer_claims(
    models: Sequence[Respondent | AnswerFolder], rows: Sequence[Row], *, store: JsonlStore
) -> dict[str, Written]:
    """What each model writes to each query, by the model's row; one model is in memory at a time."""
    found = answered(models, {"uphill": [uphill.query(row) for row in rows]}, store=store)
    return {row: sets["uphill"] for row, sets in found.items()}


def audited_sets(sets: Mapping[str, Sequence[Row]]) -> dict[str, Audit]:
    """The alignment audit of every set that has Arabic questions, by the set's title."""
    found = {}
    for rows in sets.values():
        arabic = [row for row in rows if row.language == "ar"]
        english = [row for row in rows if row.language == "en"]
        if arabic:
            found[title_of(arabic[0])] = audit(english or None, arabic)
    return found


def judged(params: Params, rows: Sequence[Row], answers: Sequence[str], folder: Path) -> list[uphill.Judged]:
    """The answers with their labels: by the profile's judge, or by rule where it has none.

    Args:
        params: the profile.
        rows: queries.
        answers: one for each.
        folder: keeps the judge's verdicts, each on the disk before it is used.

    Raises:
        EndpointError: the judge cannot be reached, or its budget is spent; what was judged is kept.
    """
    asked = params.benchmarks.uphill.judge
    if asked is None:
        return uphill.labelled_by_rule(rows, answers)
    judge = uphill.EntailmentJudge(asked.model, uphill.entailment_prompts())
    verdicts = ask_judge(judge.requests(rows, answers), judge_model(asked), folder=folder)
    return judge.labelled(rows, answers, verdicts)


def _official_ids(settings: ClinicalQaParams) -> Path | None:
    """PubMedQA's official ids beside the English file, which hold for its Arabic twin on the hub too."""
    beside = root() / settings.english.get("pubmedqa", "") / PUBMEDQA_TRUTH
    return beside if beside.is_file() else None


def _fewest_hashes(rows: Sequence[Row], n: int | None) -> tuple[Row, ...]:
    kept = set(sorted((row.id for row in rows), key=content_key)[:n])
    return tuple(row for row in rows if row.id in kept)


def _location(place: str) -> str | Path:
    return place if place == DECLARED_HUB or place.startswith(HUB) else root() / place
