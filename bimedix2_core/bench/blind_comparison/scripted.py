"""Scripted reviewers: they choose by given scores, so that a form can be filled where no expert is.

A scripted reviewer is labelled as such in every form and choice. Its preferences repeat the scores it was given and
say nothing of what an expert would choose.
"""

from collections.abc import Mapping

from bimedix2_core.bench.blind_comparison.form import Form, FormRow
from bimedix2_core.bench.blind_comparison.items import wording
from bimedix2_core.data.review.sample import rank
from bimedix2_core.data.review.scripted import LABEL
from bimedix2_core.errors import DataError


def scripted_reviewer(name: str) -> str:
    """The code of a scripted reviewer, ``scripted reviewer <name>``."""
    return f"{LABEL} {name}"


def scripted_choices(form: Form, scores: Mapping[str, Mapping[str, float]], *, slip: float = 0.0) -> dict[str, str]:
    """What a scripted reviewer writes into its form, by row label; `sheet.write_form(choices=...)` fills it in.

    The answer of the highest score is chosen; where several have it, the choice is a tie.

    Args:
        form: of a scripted reviewer.
        scores: by question id, the score by model.
        slip: chance that any letter is chosen instead, as people err; it depends on the form's seed.

    Raises:
        DataError: the form is not a scripted reviewer's, or a score is missing.
    """
    if not form.reviewer.startswith(f"{LABEL} "):
        raise DataError(
            f"form {form.id} is for {form.reviewer!r}; only a {LABEL!r} may fill one by script: make the form with "
            "scripted_reviewer(name)"
        )
    return {row.label: _choice(row, form, scores.get(row.id, {}), slip) for row in form.rows}


def _choice(row: FormRow, form: Form, scores: Mapping[str, float], slip: float) -> str:
    missing = sorted(set(row.models) - set(scores))
    if missing:
        raise DataError(f"question {row.id!r} has no score for {', '.join(missing)}; score every answer")
    if rank(f"{form.reviewer}\n{row.id}\nslip", form.seed) / 2**64 < slip:
        return form.letters[rank(f"{form.reviewer}\n{row.id}\nletter", form.seed) % len(form.letters)]
    best = max(scores[model] for model in row.models)
    letters = [letter for letter, model in zip(form.letters, row.models, strict=True) if scores[model] == best]
    return letters[0] if len(letters) == 1 else wording()["tie"][form.language]
