"""Respondents: who is examined, as a profile names them, and what each of them answers."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from bimedix2_core.bench.answer_file import read_answers
from bimedix2_core.bench.judge import JudgeModel
from bimedix2_core.bench.task import predict
from bimedix2_core.errors import DataError
from bimedix2_core.inference.backends import EndpointBackend, LocalBackend
from bimedix2_core.model.checkpoints import load_adapter, load_projector
from bimedix2_core.model.shapes import published_name
from bimedix2_core.model.text_model import load_finished
from bimedix2_core.params import Params, ServerParams, root
from bimedix2_core.recipe import device_of, load_base
from bimedix2_core.records import Query
from bimedix2_core.rollout_recipe import limits_of
from bimedix2_core.runs import JsonlStore, content_key, data_key

Backend = LocalBackend | EndpointBackend

BASE_ROW = "base"
"""Row of what both stages start from; the paper has none."""


@dataclass(frozen=True)
class Respondent:
    """A model that is examined; its weights are loaded when it is its turn."""

    row: str
    """Id of its row in the tables."""
    load: Callable[[], Backend]
    folder: Path | None = None
    """Where what it answers is kept besides the store; none for a model in process."""


@dataclass(frozen=True)
class AnswerFolder:
    """Answers that a model gave elsewhere: a JSONL file for each set of questions."""

    row: str
    """Id of its row in the tables."""
    folder: Path


@dataclass(frozen=True)
class Written:
    """What one model wrote."""

    model: str
    """For the protocol card."""
    model_key: str
    texts: tuple[str, ...]
    """One for each query."""
    decoding: Mapping[str, Any]
    """Settings of generation, for the protocol card; of answers made elsewhere they are not known."""


def respondents(
    params: Params, exhibit_id: str, *, folder: Path, stage1: Path | None, stage2: Path | None
) -> tuple[Respondent, ...]:
    """The models of a profile: the base and what was trained of it, or finished weights; then those behind endpoints.

    Args:
        params: the profile.
        exhibit_id: whose finished weights are meant.
        folder: takes what endpoints answer.
        stage1: what notebook 03 left; None where nothing is trained.
        stage2: what notebook 04 left.
    """
    if stage1 is None or stage2 is None:
        rows = params.model.checkpoints.get(exhibit_id, {})
        own = [Respondent(row, partial(_finished, params, name)) for row, name in rows.items()]
    else:
        own = [
            Respondent(BASE_ROW, partial(_local, params, None, None)),
            Respondent(published_name(params) or params.run.profile, partial(_local, params, stage1, stage2)),
        ]
    others = [endpoint_respondent(params, row, asked, folder) for row, asked in params.benchmarks.endpoints.items()]
    return (*own, *others)


def subject(params: Params, models: Sequence[Respondent]) -> Respondent:
    """Whom a notebook looks at closely: the last of the profile's own models; where it has none, the last of all.

    Raises:
        DataError: nobody is asked.
    """
    if not models:
        raise DataError("the profile names no model: train one, or name weights in model.checkpoints or an endpoint")
    own = [model for model in models if model.row not in params.benchmarks.endpoints]
    return (own or list(models))[-1]


def endpoint_respondent(params: Params, row: str, asked: ServerParams, folder: Path) -> Respondent:
    """A model behind an endpoint; what it answers is kept in a folder of its own."""
    own = folder / f"endpoint_{row}"
    return Respondent(row, partial(_endpoint, params, asked, own), own)


def answer_folders(params: Params) -> tuple[AnswerFolder, ...]:
    """The answers made elsewhere that a profile names."""
    return tuple(AnswerFolder(row, root() / place) for row, place in params.benchmarks.answer_files.items())


def answered(
    models: Sequence[Respondent | AnswerFolder], asked: Mapping[str, Sequence[Query]], *, store: JsonlStore
) -> dict[str, dict[str, Written]]:
    """What each model writes, by its row and the name of the set; one model is in memory at a time.

    Args:
        models: who is asked. Answers made elsewhere are read from ``<set>.jsonl``, joined by id; of a set of twins,
            which share their ids, from ``<set>_en.jsonl`` and ``<set>_ar.jsonl``.
        asked: queries by the name of their set.
        store: keeps what is written; what it has is not asked again.

    Raises:
        DataError: two models have the same row, or a file of answers made elsewhere is missing or does not fit its set.
    """
    twice = [row for row, times in Counter(model.row for model in models).items() if times > 1]
    if twice:
        raise DataError(
            f"row {', '.join(twice)}: the answers of several models; call those of benchmarks.endpoints and "
            "benchmarks.answer_files by names of their own"
        )
    return {model.row: _all_sets(model, asked, store) for model in models}


def texts_of(backend: Backend, queries: Sequence[Query], *, store: JsonlStore) -> list[str]:
    """One text for each query, asked for only where the store has none."""
    return predict(queries, backend.generate, store=store, model_key=backend.model_key, decoding=dict(backend.decoding))


def judge_model(asked: ServerParams) -> JudgeModel:
    """The judge of a profile."""
    return JudgeModel(asked.model, asked.url, asked.api_key_variable, limits_of(asked))


def _all_sets(
    model: Respondent | AnswerFolder, asked: Mapping[str, Sequence[Query]], store: JsonlStore
) -> dict[str, Written]:
    if isinstance(model, AnswerFolder):
        return {name: _read(model, name, queries) for name, queries in asked.items()}
    backend = model.load()
    return {
        name: Written(
            backend.name,
            backend.model_key,
            tuple(texts_of(backend, queries, store=store)),
            dict(backend.decoding),
        )
        for name, queries in asked.items()
    }


def _read(model: AnswerFolder, name: str, queries: Sequence[Query]) -> Written:
    spoken = sorted({query.language for query in queries})
    files = {one: model.folder / (f"{name}_{one}.jsonl" if len(spoken) > 1 else f"{name}.jsonl") for one in spoken}
    for file in files.values():
        if not file.is_file():
            raise DataError(
                f"answers of {model.row!r} to {name}: no file {file.name} in {model.folder.name}; expected JSON lines "
                "with an id and an answer each, or leave the model out of benchmarks.answer_files"
            )
    answers = {
        language: read_answers(file, [query.id for query in queries if query.language == language])
        for language, file in files.items()
    }
    keys = [data_key(file) for file in files.values()]
    key = keys[0] if len(keys) == 1 else content_key(keys)
    texts = tuple(answers[query.language][query.id] for query in queries)
    return Written(f"answer file {key[:12]}", key, texts, {"answers": "made elsewhere"})


def _local(params: Params, stage1: Path | None, stage2: Path | None) -> LocalBackend:
    lmm = load_base(params)
    if stage1 and stage2:
        lmm = load_adapter(load_projector(lmm, stage1), stage2)
    return LocalBackend(lmm, params.inference, seed=params.run.seed)


def _finished(params: Params, name: str) -> LocalBackend:
    model = load_finished(name, dtype=getattr(torch, params.model.dtype), device=device_of(params))
    return LocalBackend(model, params.inference, seed=params.run.seed)


def _endpoint(params: Params, asked: ServerParams, folder: Path) -> EndpointBackend:
    inference = params.inference
    decoding = {"temperature": inference.temperature, "top_p": inference.top_p, "max_tokens": inference.max_new_tokens}
    return EndpointBackend(asked.url, asked.model, folder, decoding, limits_of(asked), asked.api_key_variable)
