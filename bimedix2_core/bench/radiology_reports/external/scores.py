"""The external scores of report pairs: what RadGraph and CheXbert say of both sides, counted, and who they were."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bimedix2_core.bench.radiology_reports.external.annotations import (
    TITLES,
    Annotated,
    AnnotationCache,
    annotate_texts,
)
from bimedix2_core.bench.radiology_reports.external.chexbert import cosines, f1_scores, is_exact, is_present
from bimedix2_core.bench.radiology_reports.external.process import WORKER, Launch
from bimedix2_core.bench.radiology_reports.external.rewards import (
    PACKAGE,
    Casing,
    radgraph_f1,
    read_annotation,
    rewards,
)
from bimedix2_core.bench.radiology_reports.not_run import NotRun
from bimedix2_core.errors import DataError

SCORERS = ("radgraph", "chexbert")

RADGRAPH_SCORES = ("f1_radgraph", "rg_e", "rg_bar_er", "radgraph_entity", "radgraph_relation", "radgraph_mean")
"""One number for each pair, 0 to 1; ``f1_radgraph`` is RG_ER, ``radgraph_mean`` is RadCliQ's first feature."""

CHEXBERT_SCORES = ("chexbert_cosine", "chexbert_exact_5")
"""One number for each pair; the mean of ``chexbert_exact_5`` is F1CheXbert's accuracy."""

CHEXBERT_OVERALL = tuple(f"chexbert_f1_{kind}_{n}" for n in (14, 5) for kind in ("micro", "macro"))
"""One number for all pairs together, which no mean over pairs gives."""


@dataclass(frozen=True)
class ExternalScores(Mapping[str, list[float] | NotRun]):
    """Scores by name, one number for each pair in their order, or `NotRun`; reads as a mapping."""

    per_pair: dict[str, list[float] | NotRun]
    """Names of `RADGRAPH_SCORES` and `CHEXBERT_SCORES`."""
    overall: dict[str, float | NotRun]
    """Names of `CHEXBERT_OVERALL`."""
    present: tuple[np.ndarray, np.ndarray] | NotRun
    """``bool[N, 14]`` of the hypotheses and the references, to resample what is in ``overall``."""
    provenance: dict[str, Any]
    """For each scorer its versions, sha256 of its weights, settings and how many reports were annotated now."""

    def __getitem__(self, name: str) -> list[float] | NotRun:
        """The numbers of one score per pair."""
        return self.per_pair[name]

    def __iter__(self) -> Iterator[str]:
        """The names of the scores per pair."""
        return iter(self.per_pair)

    def __len__(self) -> int:
        """Number of scores per pair."""
        return len(self.per_pair)


def annotate(
    pairs: Sequence[tuple[str, str]],
    *,
    python: Path | None,
    cache: Path,
    weights: Path | None = None,
    scorers: Sequence[str] = SCORERS,
    radgraph_model: str = "radgraph",
    casing: Casing = PACKAGE,
    device: str = "cpu",
    worker: Path = WORKER,
) -> ExternalScores:
    """Score report pairs with RadGraph and CheXbert in a process of their own; English reports only.

    What the cache has is not asked for again; a run that was killed goes on where it stopped. Without ``python`` what
    the cache holds whole is scored from there, and all else is `NotRun`. Nothing is downloaded.

    Args:
        pairs: (hypothesis, reference), raw.
        python: interpreter of the scorers' own environment (README.md here); None where there is none.
        cache: folder of the annotations, the worker's log among them. It quotes the reports: keep it beside them.
        weights: folder of the weights; by default ``weights`` inside the scorers' environment.
        scorers: which to run; the others are `NotRun`.
        radgraph_model: ``radgraph`` is what MultiMedEval and RadCliQ use; ``radgraph-xl``, ``modern-radgraph-xl``.
        casing: which of the two codes called radgraph 0.1.18 to follow in the rewards.
        device: ``cpu`` or ``cuda:0``.
        worker: script that speaks the protocol.

    Raises:
        DataError: there is no pair, one is not of two texts, or there is no such scorer.
        ScorerError: the worker failed for good; what it had annotated is in the cache.
    """
    texts = _texts(pairs)
    unknown = sorted(set(scorers) - set(SCORERS))
    if unknown:
        raise DataError(f"there is no external scorer {unknown[0]!r}; there are {', '.join(SCORERS)}")
    launch = Launch(
        python=python,
        log=cache / "worker.log",
        weights=weights,
        scorers=tuple(scorers),
        radgraph_model=radgraph_model,
        device=device,
        worker=worker,
    )
    asked = annotate_texts(texts, AnnotationCache(cache), launch)
    found = {name: asked.get(name) or NotRun(TITLES[name], "to be among the scorers asked for") for name in SCORERS}
    present = _present(pairs, found["chexbert"])
    return ExternalScores(
        per_pair=_radgraph(pairs, found["radgraph"], casing) | _chexbert(pairs, found["chexbert"], present),
        overall=dict.fromkeys(CHEXBERT_OVERALL, present) if isinstance(present, NotRun) else f1_scores(*present),
        present=present,
        provenance={name: _provenance(one) for name, one in found.items()} | {"casing": casing},
    )


def _texts(pairs: Sequence[tuple[str, str]]) -> list[str]:
    wrong = [index for index, pair in enumerate(pairs) if [type(text) for text in pair] != [str, str]]
    if wrong or not pairs:
        found = f"pair {wrong[0]} is none" if wrong else "there is none"
        raise DataError(f"external scores need pairs of two texts, (hypothesis, reference); {found}")
    return [text for pair in pairs for text in pair]


def _radgraph(
    pairs: Sequence[tuple[str, str]], annotated: Annotated | NotRun, casing: Casing
) -> dict[str, list[float] | NotRun]:
    if isinstance(annotated, NotRun):
        return dict.fromkeys(RADGRAPH_SCORES, annotated)
    read = {text: read_annotation(entities) for text, entities in annotated.results.items()}
    sides = [(read[hypothesis], read[reference]) for hypothesis, reference in pairs]
    rewarded = [rewards(*side, casing=casing) for side in sides]
    f1 = [radgraph_f1(*side) for side in sides]
    return {
        "f1_radgraph": [one.rg_er for one in rewarded],
        "rg_e": [one.rg_e for one in rewarded],
        "rg_bar_er": [one.rg_bar_er for one in rewarded],
        "radgraph_entity": [one.entity for one in f1],
        "radgraph_relation": [one.relation for one in f1],
        "radgraph_mean": [one.mean for one in f1],
    }


def _chexbert(
    pairs: Sequence[tuple[str, str]], annotated: Annotated | NotRun, present: tuple[np.ndarray, np.ndarray] | NotRun
) -> dict[str, list[float] | NotRun]:
    if isinstance(annotated, NotRun) or isinstance(present, NotRun):
        return dict.fromkeys(CHEXBERT_SCORES, annotated)
    sides = [
        np.array([_embedding(annotated.results[text]["embedding"]) for text in side])
        for side in zip(*pairs, strict=True)
    ]
    return {
        "chexbert_cosine": cosines(*sides).tolist(),
        "chexbert_exact_5": is_exact(*present).astype(float).tolist(),
    }


def _present(pairs: Sequence[tuple[str, str]], annotated: Annotated | NotRun) -> tuple[np.ndarray, np.ndarray] | NotRun:
    if isinstance(annotated, NotRun):
        return annotated
    hypotheses, references = (
        is_present([annotated.results[text]["classes"] for text in side]) for side in zip(*pairs, strict=True)
    )
    return hypotheses, references


def _embedding(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype="<f4").astype(float)


def _provenance(annotated: Annotated | NotRun) -> dict[str, Any]:
    if isinstance(annotated, NotRun):
        return {"not run": annotated.needs}
    return annotated.identity | {"n_reports": len(annotated.results), "n_annotated_now": annotated.n_new}
