"""Quantities: the numbers a plan is worked out from, each with its source; everything else is computed from them."""

from dataclasses import dataclass

from bimedix2_core.paper import reported
from bimedix2_core.paper.exhibits import exhibit


@dataclass(frozen=True)
class Quantity:
    """One number that is looked up or assumed."""

    value: float
    unit: str
    """What is counted."""
    source: str
    """Where it stands; begins with ``assumed`` where nobody says so."""

    @property
    def is_assumed(self) -> bool:
        """Whether it is our guess."""
        return self.source.startswith("assumed")


# --- speed ---------------------------------------------------------------------------------------------------------

PEAK = Quantity(989e12, "FLOP/s of one card", "assumed: an H100 SXM, dense bfloat16 of its data sheet")
BANDWIDTH = Quantity(3.35e12, "bytes/s of one card", "assumed: an H100 SXM, memory bandwidth of its data sheet")
UTILISATION = Quantity(0.35, "of the peak is reached in answering", "assumed: usual for a plain loop")
TRAINING_UTILISATION = Quantity(0.40, "of the peak is reached in training", "assumed: packed rows, not measured here")
CPU_PEAK = Quantity(30e9, "FLOP/s of one CPU thread", "assumed: small matrices in float32")

# --- memory --------------------------------------------------------------------------------------------------------

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
CARD = Quantity(80, "GB of one card", "assumed, where weights are shared out: an A100 or H100")

# --- training data -------------------------------------------------------------------------------------------------

STAGE1_PAIRS = Quantity(467_000, "pairs", "paper, 2.2: 467k")
CAPTION_TOKENS = Quantity(100, "text tokens in a pair", "assumed: a caption of a few sentences")
INSTRUCTION_TOKENS = Quantity(
    632 / 1.3, "text tokens in an instruction", "assumed: as BiMed1.3M, 632M tokens in 1.3M instructions"
)
DISTINCT_IMAGES = Quantity(
    183_400,
    "images behind the rows of BiMed-V",
    "assumed: 60K of LLaVA-Med, 3.4K of Rad-VQA, SLAKE and Path-VQA, 120K of PMC",
)
SUPERVISED = Quantity(0.5, "of the text tokens are learnt", "assumed: answers as long as what they answer")
PACKED = Quantity(0.985, "of a full row is used", "assumed: best fit left 0.4 to 1.5 % open in a simulation")
RETRAINED = {"table10": "stage2"}
"""Exhibits that need a stage once more: trained on the rows of each language alone, which together are all rows."""
PHANTOM_CAPTION_TOKENS = Quantity(37, "text tokens in a phantom's caption", "mean over the demo's Stage 1")
PHANTOM_INSTRUCTION_TOKENS = Quantity(80, "text tokens in a phantom's sample", "mean over the demo's Stage 2")
MIXTURE_TOKENS = Quantity(
    632 / 1.3, "text tokens in a row of BiMed1.3M", "over 632M tokens in over 1.3M instructions (facts.md 10)"
)
DRAWN_TEXT_TOKENS = Quantity(106, "text tokens in a drawn row of BiMed1.3M", "mean over the demo's mixture")

# --- questions -----------------------------------------------------------------------------------------------------

PROMPT_TOKENS = Quantity(200, "text tokens in a question", "assumed")
ANSWER_TOKENS = Quantity(200, "tokens in an answer", "assumed; max_new_tokens where that is less")
OPTIONS = Quantity(4, "options whose likelihood is compared", "assumed for all sets; MedQA and MedMCQA have 4")
MBENCH = Quantity(193, "questions in each language", "BiMed-MBench, question file counted (facts.md 8.1)")
UPHILL = Quantity(9_725, "queries", "UPHILL, 1,945 claims x 5 levels (facts.md 8.3)")
PATH_VQA = Quantity(6_719, "questions", "MultiMedEval source (facts.md 8.4)")
SUMMARIES = Quantity(13_054, "reports", "MIMIC-III, MultiMedEval source (facts.md 8.5)")
REPORTS = Quantity(2_347, "reports", "MIMIC-CXR, MultiMedEval source (facts.md 8.5)")

# --- the judge -----------------------------------------------------------------------------------------------------

JUDGE_READS = Quantity(1_200, "tokens the judge reads for one answer", "assumed")
JUDGE_WRITES = Quantity(250, "tokens the judge writes for one answer", "assumed")


@dataclass(frozen=True)
class Price:
    """What an endpoint takes, in USD per million tokens."""

    read: float
    written: float
    source: str


PRICES = {
    "gpt-4o": Price(2.50, 10.00, "assumed: list price of gpt-4o-2024-08-06; look it up before a run"),
    "gpt-3.5-turbo": Price(0.50, 1.50, "assumed: list price of gpt-3.5-turbo; look it up before a run"),
}
"""By the name a declared judge contains."""


# --- what is derived from declarations and reported tables -----------------------------------------------------------


@dataclass(frozen=True)
class Rows:
    """Training rows, and how many of them show an image."""

    samples: int
    images: int
    how: str


def bimed_v() -> Rows:
    """Rows of Table 12; which of them show an image is our reading of the table."""
    table = reported.read("table12_bimed_v_composition")
    sources = [row for row in table.ids if row != reported.TOTAL]
    counts = {row: int(table.number(row, "samples") or 0) for row in sources}
    images = sum(count for row, count in counts.items() if "image" in table.cell(row, "modality_inferred"))
    return Rows(sum(counts.values()), images, "Table 12, its modality as we read it")


@dataclass(frozen=True)
class Questions:
    """What an exhibit asks one model."""

    written: int
    """Answers that are written."""
    chosen: int = 0
    """Questions whose options are compared by likelihood."""


def questions(exhibit_id: str) -> Questions:
    """How many questions one row of an exhibit asks; none where the exhibit only draws what another one measured.

    Sizes come from the declarations (``share_of``: a cell is a share of that many questions) where they stand there.
    """
    clinical = Questions(0, chosen=_shares("table02"))
    predecessor = Questions(0, chosen=_shares("bimedix1_english"))
    mbench = Questions(int(MBENCH.value))
    asked = {
        "table02": clinical,
        "table03": mbench,
        "table04": mbench,
        "table05": Questions(_shares("table05") + int(PATH_VQA.value)),
        "table06": Questions(int(SUMMARIES.value)),
        "table07": Questions(int(REPORTS.value)),
        "table08": mbench,
        "table09": Questions(mbench.written, clinical.chosen),
        "table10": mbench,
        "fig04": Questions(int(UPHILL.value)),
        "bimedix1_english": predecessor,
        "bimedix1_arabic": predecessor,
    }
    return asked.get(exhibit_id, Questions(0))


def _shares(exhibit_id: str) -> int:
    return sum(column.share_of or 0 for column in exhibit(exhibit_id).columns)
