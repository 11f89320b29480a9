"""Variants: how each row of Tables 9 and 10 was trained, derived from the rows that the paper reports."""

from dataclasses import dataclass

from bimedix2_core.errors import PaperError
from bimedix2_core.model.shapes import published_name
from bimedix2_core.paper.exhibits import exhibit
from bimedix2_core.params import Params
from bimedix2_core.plan.scope import ABLATION_OF
from bimedix2_core.records import LANGUAGES

TABLES = {"table09": "en", "table10": "ar"}
"""Both exhibits, and the language of their BiMed-MBench column."""

OWNER = ABLATION_OF["table09"]
"""Whose variants the paper reports."""


@dataclass(frozen=True)
class Variant:
    """One way to train."""

    name: str
    """Of its folder."""
    title: str
    medical: bool
    """Whether the projector learns from Stage 1's pairs; else from the non-medical ones."""
    languages: tuple[str, ...]
    """Whose rows Stage 2 learns from; none where it is left out."""


BASELINE = Variant("baseline", "baseline", medical=False, languages=())
STAGE_1 = Variant("stage_1", "Stage 1", medical=True, languages=())
BOTH = Variant("both_languages", "Stage 2 in both languages", medical=True, languages=LANGUAGES)
ENGLISH = Variant("english_only", "Stage 2 in English", medical=True, languages=("en",))
ARABIC = Variant("arabic_only", "Stage 2 in Arabic", medical=True, languages=("ar",))

BY_ENDING = {"baseline": BASELINE, "stage_1": STAGE_1, "stage_2": BOTH, "eng": ENGLISH, "ara": ARABIC, "bi": BOTH}
"""By what the id of a reported row ends with, the name of the model left out."""


def variants(exhibit_id: str) -> dict[str, Variant]:
    """How each reported row of Table 9 or Table 10 was trained, by its id.

    Raises:
        PaperError: a row is none of the variants that are known here.
    """
    found = {row: BY_ENDING.get(row.removeprefix(f"{OWNER}_")) for row in exhibit(exhibit_id).rows()}
    unknown = [row for row, variant in found.items() if variant is None]
    if unknown:
        raise PaperError(f"{exhibit_id}: rows {', '.join(unknown)} are no variants; known: {', '.join(BY_ENDING)}")
    return {row: variant for row, variant in found.items() if variant is not None}


def all_variants() -> tuple[Variant, ...]:
    """The variants of both tables, each once."""
    return tuple(dict.fromkeys(one for exhibit_id in TABLES for one in variants(exhibit_id).values()))


def own_row(params: Params, reported: str) -> str:
    """The id of a profile's row: the paper's where the profile trains the paper's 8B, else one of its own model."""
    model = published_name(params) or params.run.profile
    return reported if model == OWNER else f"{model}_{reported.removeprefix(f'{OWNER}_')}"
