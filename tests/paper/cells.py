"""One protocol card and one measured cell, of a paper profile and of the demo."""

from dataclasses import replace

from bimedix2_core.paper.measured import Demo, Reproduced
from bimedix2_core.paper.protocol import ProtocolCard

CARD = ProtocolCard(
    dataset="flaviagiammarino/vqa-rad",
    dataset_revision="bcf91e7",
    split_hash="aa11",
    n=451,
    prompt_hash="bb22",
    scorer="bimedix2_core.bench 0.3",
    definition="closed accuracy, MultiMedEval",
    model_fingerprint="cc33",
    decoding={"temperature": 0.0, "max_new_tokens": 64},
    judge=None,
    profile="released_8b",
    kind="paper",
    overrides={},
)
DEMO_CARD = replace(CARD, profile="demo", kind="demo")
CELL = Reproduced("bimedix2_8b", "rad_vqa__closed_q_accuracy", 0.72, 0.66, 0.77, 440, 11, CARD)
DEMO_CELL = Demo("bimedix2_8b", "rad_vqa__closed_q_accuracy", 0.72, 0.66, 0.77, 440, 11, DEMO_CARD)
