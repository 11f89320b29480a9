"""Translation recipe: the rows, the server and the job that a profile's `translation` section names."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bimedix2_core.data.rollouts import Job, Machines, Server
from bimedix2_core.data.sources import BadRows, read_source
from bimedix2_core.data.translate.prompts import prompts
from bimedix2_core.data.translate.rollout import Translation, protocol
from bimedix2_core.demo.translations import parallel_rows
from bimedix2_core.endpoint import Limits
from bimedix2_core.errors import ParamsError
from bimedix2_core.inference.serving import serving
from bimedix2_core.params import Params, TranslationParams, root
from bimedix2_core.records import Row

MAX_BAD_ROWS = 0
"""Unreadable rows of a source before a translation stops: money is about to be spent on what was read."""

SERVER_THREADS = 1
"""Of a server started here: on a small machine it shares the cores with the notebook that asks."""


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
    n_left = settings.n_rows
    for source, place in settings.sources.items():
        location = place if place.startswith("hub:") else str(root() / place)
        for row in read_source(source, location, bad_rows=BadRows(MAX_BAD_ROWS)):
            if n_left == 0:
                return
            n_left = None if n_left is None else n_left - 1
            yield row


@contextmanager
def translator(params: Params) -> Iterator[Server]:
    """The server of the profile, started on loopback where the profile says so, for the time of the block.

    Raises:
        EndpointError: a server was to be started and did not come up.
    """
    asked = settings_of(params).server
    if asked.kind == "serve":
        folder = root() / asked.model if (root() / asked.model).is_dir() else Path(asked.model)
        with serving(folder, threads=SERVER_THREADS) as url:
            yield Server(str(folder), url)
    elif asked.kind == "vllm":
        yield Server(asked.model, start="vllm")
    else:
        yield Server(asked.model, asked.url or "", api_key_variable=asked.api_key_variable)


def translation_job(params: Params, rows: Path, folder: Path, server: Server, *, protocol_name: str = "") -> Job:
    """The profile's translation of a file of rows.

    Args:
        params: of the profile.
        rows: file of English rows, written by `write_rows`.
        folder: for requests and results.
        server: of `translator`.
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
    limits = Limits(
        in_flight=settings.server.in_flight,
        timeout=settings.server.timeout,
        budget=settings.server.budget,
        prompt_price=settings.server.prompt_price,
        completion_price=settings.server.completion_price,
    )
    return Job(rows, folder, rollout, server, limits, settings.chunk_size)


def machines_of(params: Params) -> Machines:
    """Where the profile's translation runs."""
    asked = settings_of(params).machines
    return Machines(asked.executor, asked.tasks, asked.workers, asked.options)


def review_threshold(params: Params) -> float | None:
    """The score below which physicians see every row; None under ``bimedix2``, which has no scores."""
    settings = settings_of(params)
    return None if settings.protocol == "bimedix2" else settings.threshold
