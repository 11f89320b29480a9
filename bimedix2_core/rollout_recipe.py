"""Rollout recipe: the rows, servers and jobs that a profile's `translation` and `synthesis` sections name."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from bimedix2_core.data.review.sample import PROTOCOLS
from bimedix2_core.data.rollouts import Job, Machines, Outcome, Server, results, run, write_rows
from bimedix2_core.data.sources import BadRows, read_source
from bimedix2_core.data.synthesize import prompts as synthesis_prompts
from bimedix2_core.data.synthesize.rollout import Synthesis
from bimedix2_core.data.translate.prompts import prompts
from bimedix2_core.data.translate.rollout import Translation, protocol
from bimedix2_core.demo.translations import Parallel, parallel_rows, short_answers
from bimedix2_core.endpoint import Limits
from bimedix2_core.errors import ParamsError
from bimedix2_core.inference.serving import serving
from bimedix2_core.params import (
    MachinesParams,
    Params,
    ServerParams,
    SynthesisJob,
    SynthesisParams,
    TranslationParams,
    load_params,
    root,
)
from bimedix2_core.records import Row

MAX_BAD_ROWS = 0
"""Unreadable rows of a source before a translation stops: money is about to be spent on what was read."""

OWN_ROWS = ("demo_captions", "demo_short_answers")
"""What a synthesis may read that the project draws itself."""

SERVER_THREADS = 1
"""Of a server started here: on a small machine it shares the cores with the notebook that asks."""


@dataclass(frozen=True)
class KnownTruth:
    """The demo's rows, their true twins, and what each protocol made of them."""

    params: Params
    """Of the demo."""
    parallel: Parallel
    found: dict[str, list[dict[str, Any]]]
    """Results by protocol."""


def settings_of(params: Params) -> TranslationParams:
    """The profile's translation section.

    Raises:
        ParamsError: it is null.
    """
    if params.translation is None:
        raise ParamsError(
            f"profile {params.run.profile} translates nothing (translation is null); take a profile with a "
            "translation section, or leave out notebook 01_data_translation"
        )
    return params.translation


def english_rows(params: Params) -> Iterator[Row]:
    """The English rows to translate: those of the named sources, or the demo's own where none is named.

    Raises:
        DataError: a source's file is missing or malformed.
        ParamsError: the profile translates nothing, or draws its own rows without saying how many.
    """
    settings = settings_of(params)
    if not settings.sources:
        if settings.n_rows is None:
            raise ParamsError("translation.n_rows is null and translation.sources empty; name sources, or a number")
        yield from parallel_rows(settings.n_rows, seed=params.run.seed).english
        return
    read = chain.from_iterable(_read(source, place) for source, place in settings.sources.items())
    yield from islice(read, settings.n_rows)


@contextmanager
def served(asked: ServerParams) -> Iterator[Server]:
    """A profile's server, started on loopback where the profile says so, for the time of the block.

    Raises:
        EndpointError: a server was to be started and did not come up.
    """
    if asked.kind == "serve":
        folder = root() / asked.model if (root() / asked.model).is_dir() else Path(asked.model)
        with serving(folder, threads=SERVER_THREADS) as url:
            yield Server(str(folder), url)
    elif asked.kind == "vllm":
        yield Server(asked.model, start="vllm")
    else:
        yield Server(asked.model, asked.url or "", api_key_variable=asked.api_key_variable)


def limits_of(asked: ServerParams) -> Limits:
    """How hard a profile's server may be worked, and what it may cost."""
    return Limits(
        in_flight=asked.in_flight,
        timeout=asked.timeout,
        budget=asked.budget,
        prompt_price=asked.prompt_price,
        completion_price=asked.completion_price,
    )


def machines_of(asked: MachinesParams) -> Machines:
    """Where a profile's rollouts run."""
    return Machines(asked.executor, asked.tasks, asked.workers, asked.options)


def translation_job(params: Params, rows: Path, folder: Path, server: Server, *, protocol_name: str = "") -> Job:
    """The profile's translation of a file of rows.

    Args:
        params: of the profile.
        rows: file of English rows, written by `write_rows`.
        folder: for requests and results.
        server: of `served`.
        protocol_name: another protocol than the profile's.
    """
    settings = settings_of(params)
    asked = protocol(
        protocol_name or settings.protocol,
        rounds=settings.rounds,
        threshold=settings.threshold,
        protects=settings.protects,
    )
    rollout = Translation(asked, prompts(settings.prompts), settings.max_new_tokens, settings.refine_temperature)
    return Job(rows, folder, rollout, server, limits_of(settings.server), settings.chunk_size)


def known_truth(folder: Path) -> KnownTruth:
    """The demo's rows under all three protocols: the only rows whose true Arabic is known, whatever the profile."""
    demo = load_params("params/demo.yaml")
    settings = settings_of(demo)
    parallel = parallel_rows(settings.n_rows or 0, seed=demo.run.seed)
    rows = folder / "known_rows.jsonl"
    write_rows(parallel.english, rows)
    found = {}
    with served(settings.server) as server:
        for name in PROTOCOLS:
            job = translation_job(demo, rows, folder, server, protocol_name=name)
            found[name] = list(results(run(job, machines_of(settings.machines), title=name).folder))
    return KnownTruth(demo, parallel, found)


def translate(params: Params, folder: Path) -> Outcome:
    """The profile's own translation; goes on where it was stopped."""
    settings = settings_of(params)
    rows = folder / "rows.jsonl"
    write_rows(english_rows(params), rows)
    with served(settings.server) as server:
        job = translation_job(params, rows, folder, server)
        return run(job, machines_of(settings.machines), title=settings.protocol)


def synthesize(params: Params, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """All syntheses of the profile, by kind and source of what is made; each goes on where it was stopped."""
    settings, made = synthesis_of(params), {}
    with served(settings.server) as server:
        for asked in settings.jobs:
            rows = folder / f"{asked.kind}_{asked.source}.jsonl"
            write_rows(synthesis_rows(params, asked), rows)
            job = synthesis_job(params, asked, rows, folder, server)
            done = run(job, machines_of(settings.machines), title=asked.kind)
            made[f"{asked.kind}, {asked.source}"] = list(results(done.folder))
    return made


def review_threshold(params: Params) -> float | None:
    """The score below which physicians see every row; None under ``bimedix2``, which has no scores."""
    settings = settings_of(params)
    return None if settings.protocol == "bimedix2" else settings.threshold


def synthesis_rows(params: Params, asked: SynthesisJob) -> Iterator[Row]:
    """The rows that a synthesis starts from, in both languages where the project draws its own.

    Raises:
        DataError: a source's file is missing or malformed.
        ParamsError: the profile makes nothing, or draws its own rows without saying how many.
    """
    n = synthesis_of(params).n_rows
    if asked.location is not None:
        yield from islice(_read(asked.read, asked.location), n)
    elif n is None or asked.read not in OWN_ROWS:
        raise ParamsError(f"synthesis reads {asked.read!r} from nowhere; give a location, or n_rows and {OWN_ROWS}")
    elif asked.read == "demo_captions":
        own = parallel_rows(4 * n, seed=params.run.seed)
        captions = [row for row in own.english if row.task == "caption"][: n // 2]
        yield from [*captions, *(own.arabic[row.id] for row in captions)]
    else:
        yield from short_answers(n, seed=params.run.seed)


def synthesis_job(params: Params, asked: SynthesisJob, rows: Path, folder: Path, server: Server) -> Job:
    """One synthesis of a profile over a file of rows."""
    settings = synthesis_of(params)
    rollout = Synthesis(
        kind=asked.kind,
        source=asked.source,
        prompts=synthesis_prompts.prompts(settings.prompts),
        rounds=settings.rounds,
        max_new_tokens=settings.max_new_tokens,
        refine_temperature=settings.refine_temperature,
    )
    return Job(rows, folder, rollout, server, limits_of(settings.server), settings.chunk_size)


def synthesis_of(params: Params) -> SynthesisParams:
    """The profile's synthesis section.

    Raises:
        ParamsError: it is null.
    """
    if params.synthesis is None:
        raise ParamsError(f"profile {params.run.profile} makes no samples from others (synthesis is null)")
    return params.synthesis


def _read(source: str, place: str) -> Iterator[Row]:
    location = place if place.startswith("hub:") else str(root() / place)
    return read_source(source, location, bad_rows=BadRows(MAX_BAD_ROWS))
