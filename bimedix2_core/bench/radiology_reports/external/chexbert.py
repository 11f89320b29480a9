"""CheXbert's scores of report pairs, from its labels and embeddings: cosine, F1 over 14 and 5 conditions, accuracy.

CheXbert reads a report and says of 14 conditions whether each is positive, negative, uncertain or not mentioned. The
model runs elsewhere (`worker`). For F1 and accuracy positive *and* uncertain count as 1, all else as 0, as F1CheXbert
does; Tables 6 and 7 of the paper print the cosine of the embeddings (MultiMedEval).

Source: Smit et al. 2020, f1chexbert 0.0.2 read in its source.
"""

from collections.abc import Sequence

import numpy as np

from bimedix2_core.errors import DataError

CONDITIONS = (
    "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Opacity", "Lung Lesion", "Edema", "Consolidation", "Pneumonia",
    "Atelectasis", "Pneumothorax", "Pleural Effusion", "Pleural Other", "Fracture", "Support Devices", "No Finding",
)  # fmt: skip
"""In the order of the model's heads."""

FIVE = ("Cardiomegaly", "Edema", "Consolidation", "Atelectasis", "Pleural Effusion")
"""The conditions that CheXpert's competition scored."""

FIVE_INDEX = [CONDITIONS.index(name) for name in FIVE]

NOT_MENTIONED, POSITIVE, NEGATIVE, UNCERTAIN = range(4)
"""The model's classes."""


def is_present(classes: Sequence[Sequence[int]]) -> np.ndarray:
    """``bool[N, 14]``: whether each condition counts as present, which positive and uncertain ones do.

    Raises:
        DataError: there is no report, or one has other than 14 classes of 0 to 3.
    """
    wrong = [len(one) for one in classes if len(one) != len(CONDITIONS)]
    if not len(classes) or wrong:
        raise DataError(f"CheXbert needs {len(CONDITIONS)} classes for each report, found {wrong or 'no report'}")
    found = np.asarray(classes)
    if not np.isin(found, range(4)).all():
        raise DataError(f"CheXbert's classes are 0 to 3, found {sorted(set(found.ravel().tolist()))}")
    return np.isin(found, (POSITIVE, UNCERTAIN))


def cosines(hypotheses: np.ndarray, references: np.ndarray) -> np.ndarray:
    """Cosine of each pair of embeddings, -1 to 1.

    Args:
        hypotheses: ``float[N, D]``, CheXbert's state at its first token.
        references: the same of the references.

    Raises:
        DataError: the shapes differ, or an embedding is all zero or not finite.
    """
    if hypotheses.shape != references.shape:
        raise DataError(f"embeddings of {hypotheses.shape} against {references.shape}: one for each report is needed")
    norms = np.linalg.norm(hypotheses, axis=1) * np.linalg.norm(references, axis=1)
    if not (np.isfinite(norms) & (norms > 0)).all():
        raise DataError("an embedding is all zero or not finite: it has no direction, so no cosine")
    return np.clip((hypotheses * references).sum(axis=1) / norms, -1.0, 1.0)  # rounding alone leaves the range


def is_exact(hypotheses: np.ndarray, references: np.ndarray) -> np.ndarray:
    """``bool[N]``: whether all five conditions of `FIVE` agree; its mean is F1CheXbert's accuracy.

    Args:
        hypotheses: ``bool[N, 14]`` of `is_present`.
        references: the same of the references.
    """
    return (hypotheses[:, FIVE_INDEX] == references[:, FIVE_INDEX]).all(axis=1)


def f1_scores(hypotheses: np.ndarray, references: np.ndarray) -> dict[str, float]:
    """F1 over all reports, 0 to 1, under the names ``chexbert_f1_{micro,macro}_{14,5}``.

    Micro pools the counts of all conditions; macro is the mean over conditions. A condition that is present on neither
    side has F1 0 and counts in the macro mean, as published (scikit-learn's ``zero_division``): over few reports the
    macro mean of perfect answers is below 1.

    Args:
        hypotheses: ``bool[N, 14]`` of `is_present`.
        references: the same of the references.
    """
    groups = {"14": list(range(len(CONDITIONS))), "5": FIVE_INDEX}
    return {
        f"chexbert_f1_{kind}_{name}": value
        for name, columns in groups.items()
        for kind, value in _f1_pair(hypotheses[:, columns], references[:, columns]).items()
    }


def _f1_pair(hypotheses: np.ndarray, references: np.ndarray) -> dict[str, float]:
    hits = (hypotheses & references).sum(axis=0)
    marks = hypotheses.sum(axis=0) + references.sum(axis=0)
    by_condition = 2 * hits / np.maximum(marks, 1)
    return {"micro": float(2 * hits.sum() / max(marks.sum(), 1)), "macro": float(by_condition.mean())}
