"""Annotations of reports: each made once, kept under its content, and found again without the scorers.

    texts -> cache -> (what is missing) -> Worker, in batches -> cache -> annotations

A key holds the scorer's identity (versions, sha256 of the weights, settings) and the report. The references of a
benchmark are annotated once for all models that are ever scored on them. Reports themselves are not stored, but an
annotation quotes their words: the cache is as confidential as the reports and stays beside them.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from bimedix2_core.bench.radiology_reports.external.process import Launch, ScorerError, Worker, WorkerDiedError
from bimedix2_core.bench.radiology_reports.not_run import NotRun
from bimedix2_core.runs import JsonlStore, content_key

BATCH = 16
"""Reports in one request; what a kill can lose."""

N_RESTARTS = 2
"""How often a worker that died is started again in one run."""

TITLES = {"radgraph": "RadGraph", "chexbert": "CheXbert"}

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Annotated:
    """What one scorer made of the reports."""

    results: dict[str, Any]
    """By report: as the worker gave it."""
    identity: dict[str, Any]
    """Versions, sha256 of the weights and settings of the scorer."""
    n_new: int
    """Reports annotated in this run; the others were in the cache."""


class AnnotationCache:
    """What the scorers said, one file for each, and who they were.

    Args:
        folder: made by the first annotation.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.identities = JsonlStore(folder / "scorers.jsonl")
        self._stores: dict[str, JsonlStore] = {}

    def store(self, scorer: str) -> JsonlStore:
        """The results of one scorer."""
        if scorer not in self._stores:
            self._stores[scorer] = JsonlStore(self.folder / f"{scorer}.jsonl")
        return self._stores[scorer]

    def missing(self, identity: dict[str, Any], texts: Sequence[str]) -> list[str]:
        """The texts without a result by this identity, each once, in their order."""
        store, who = self.store(identity["scorer"]), content_key(identity)
        return [text for text in dict.fromkeys(texts) if _key(who, text) not in store]

    def add(self, identity: dict[str, Any], texts: Sequence[str], results: Sequence[Any]) -> None:
        """Keep one batch; it is on the disk when this returns."""
        who = content_key(identity)
        if who not in self.identities:
            self.identities.add({"key": who, "identity": identity})
        self.store(identity["scorer"]).extend(
            {"key": _key(who, text), "result": result} for text, result in zip(texts, results, strict=True)
        )

    def read(self, identity: dict[str, Any], texts: Sequence[str], *, n_new: int = 0) -> Annotated:
        """The results of texts that are all there."""
        store, who = self.store(identity["scorer"]), content_key(identity)
        return Annotated({text: store[_key(who, text)]["result"] for text in texts}, identity, n_new)

    def replay(self, wanted: dict[str, str], texts: Sequence[str]) -> Annotated | None:
        """The results of the last identity that has what is wanted and all texts; None where there is none."""
        known = [record["identity"] for record in self.identities]
        asked = [identity for identity in known if wanted.items() <= identity.items()]
        whole = [identity for identity in asked if not self.missing(identity, texts)]
        return self.read(whole[-1], texts) if whole else None


def annotate_texts(texts: Sequence[str], cache: AnnotationCache, launch: Launch) -> dict[str, Annotated | NotRun]:
    """Each scorer's annotations of all texts, or what it needs.

    A worker that dies is started again, `N_RESTARTS` times in all, and goes on with the batch it died on.

    Args:
        texts: reports; the same one twice is annotated once.
        cache: what is there is not asked for.
        launch: how the scorers are started, and which; where it has no Python, or a scorer cannot run, what the cache
            holds whole is replayed.

    Raises:
        ScorerError: a worker failed for good; the message says how many texts are done, and the cache has them.
    """
    if launch.python is None:
        needs = "an environment of its own for the scorers (bench/radiology_reports/external/README.md)"
        return {scorer: _replayed(scorer, texts, cache, launch, needs) for scorer in launch.scorers}
    workers = _Restarting(launch)
    with workers.closing():
        return {scorer: _annotate(scorer, texts, cache, workers) for scorer in launch.scorers}


def _replayed(
    scorer: str, texts: Sequence[str], cache: AnnotationCache, launch: Launch, needs: str
) -> Annotated | NotRun:
    model = {"model": launch.radgraph_model} if scorer == "radgraph" else {}
    return cache.replay({"scorer": scorer} | model, texts) or NotRun(TITLES[scorer], needs)


class _Restarting:
    """A worker that is replaced when it dies, a few times."""

    def __init__(self, launch: Launch) -> None:
        self.launch = launch
        self._n_left = N_RESTARTS
        self._worker: Worker | None = None

    def worker(self) -> Worker:
        if self._worker is None:
            self._worker = Worker(self.launch)
        return self._worker

    def ask(self, scorer: str, texts: Sequence[str]) -> dict[str, Any]:
        while True:
            try:
                return self.worker().ask(scorer, texts)
            except WorkerDiedError as error:
                self._close(at_once=True)
                if not self._n_left:
                    raise
                self._n_left -= 1
                _LOG.warning("%s: it is started again", error)

    @contextmanager
    def closing(self) -> Iterator[None]:
        at_once = True
        try:
            yield
            at_once = False
        finally:
            self._close(at_once=at_once)

    def _close(self, *, at_once: bool) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close(at_once=at_once)


def _annotate(scorer: str, texts: Sequence[str], cache: AnnotationCache, workers: _Restarting) -> Annotated | NotRun:
    said = workers.worker().scorers[scorer]
    if "needs" in said:
        return _replayed(scorer, texts, cache, workers.launch, said["needs"])
    identity = said["identity"]
    missing = cache.missing(identity, texts)
    n_done = 0
    try:
        for start in tqdm(range(0, len(missing), BATCH), desc=TITLES[scorer], unit="batch"):
            batch = missing[start : start + BATCH]
            answer = workers.ask(scorer, batch)
            if "needs" in answer:
                return NotRun(TITLES[scorer], answer["needs"])
            cache.add(identity, batch, answer["results"])
            n_done += len(batch)
    except ScorerError as error:
        raise type(error)(
            f"{TITLES[scorer]}: {error}. {len(missing) - n_done} of {len(set(texts))} reports are left; the others "
            "are in the cache: mend the cause and run again"
        ) from error
    return cache.read(identity, texts, n_new=n_done)


def _key(who: str, text: str) -> str:
    return content_key([who, text])
