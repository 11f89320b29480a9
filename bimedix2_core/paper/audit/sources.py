"""Sources of the audit: the reported tables by name, and the numbers stated outside them, each with its place.

Item counts decide what a mean weighs and what a percentage can be. "facts" is the project's collection of facts on the
two papers; the number behind it is its section.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from bimedix2_core.errors import PaperError
from bimedix2_core.paper.reported import ReportedTable

Tables = Mapping[str, ReportedTable]
"""The tables a claim names, by name: a check sees no others."""

CLINICAL = "table02_clinical_llm"
MBENCH_EN = "table03_bimed_mbench_en"
MBENCH_AR = "table04_bimed_mbench_ar"
VQA = "table05_medical_vqa"
SUMMARIES = "table06_report_summarization"
REPORTS = "table07_report_generation"
TRANSLATION = "table08_translation_baseline"
STAGES = "table09_stage_ablation"
LANGUAGES = "table10_bilingual_ablation"
HYPERPARAMETERS = "table11_hyperparameters"
COMPOSITION = "table12_bimed_v_composition"
VARIANTS = "table13_variants"
UPHILL = "fig04_uphill_overall"
V1_ENGLISH = "bimedix1_english"
V1_ARABIC = "bimedix1_arabic"
V1_BILINGUAL = "bimedix1_bilingual"

MMLU_SIZES = {"cli_kg": 265, "c_bio": 144, "c_med": 173, "med_gen": 100, "pro_med": 272, "ana": 135}
"""Questions of the six Medical MMLU subjects (facts 8.2: paper A.3 and the MMLU files)."""

TEST_SIZES = {**MMLU_SIZES, "medmcqa": 4183, "medqa": 1273, "usmle": 325, "pubmedqa": 500}
"""Questions of the ten columns of Table 2 (facts 8.2: paper A.3)."""

V1_COLUMNS = {
    "cli_kg": "ckg", "c_bio": "cbio", "c_med": "cmed", "med_gen": "medgen", "pro_med": "promed", "ana": "ana",
    "medmcqa": "medmcqa", "medqa": "medqa", "pubmedqa": "pubmedqa",
}  # fmt: skip
"""Columns of Table 2 and their twins in the tables of BiMediX (facts 14); ``usmle`` has none."""

V1_TEST_SIZES = {twin: TEST_SIZES[column] for column, twin in V1_COLUMNS.items()}

MBENCH_DOMAINS = {"cxr": 37, "mri": 38, "histology": 44, "gross": 34, "ct": 40}
"""Questions of BiMed-MBench by domain, in each language (facts 8.1: file counted, official summary code)."""

MBENCH_TYPES = {"conversation": 143, "description": 50}
"""Questions of BiMed-MBench by type, in each language (facts 8.1: file counted)."""

MBENCH_QUESTIONS = sum(MBENCH_TYPES.values())
MBENCH_LANGUAGES = 2
MBENCH_QUERIES_STATED = 386
"""Queries in both languages (facts 8.1; paper v2, 1.1 and 3.2)."""
MBENCH_QUERIES_STATED_BEFORE = 286
"""What paper v1 and the README of December 2024 say (facts 9, defect 12)."""

VQA_SIZES = {
    "rad_vqa__closed_q_accuracy": 251, "rad_vqa__open_q_accuracy": 451 - 251,
    "slake_vqa__closed_q_accuracy": 355, "slake_vqa__open_q_accuracy": 1061 - 355,
}  # fmt: skip
"""Questions behind the accuracies of Table 5 (facts 8.4: toolkit sizes, closed ones counted; open = the rest,
inferred). The closed questions of Path-VQA are not counted in our sources."""

PREFERENCE_SHARES = {"BiMediX2": Decimal("76.9"), "Dragonfly-Med": Decimal("15.4"), "LLaVA-Med": Decimal("7.7")}
"""Chosen best by experts, in percent (facts 5: paper A.5.1)."""

FIGURE_6_TOTALS = tuple(
    Decimal(total)
    for total in (
        "44.9", "50.5", "52.4", "59.0", "62.1", "64.9", "70.4", "82.9", "83.0", "83.5", "83.8", "84.6",
    )
)  # fmt: skip
"""Totals on the bars of Figure 6 (claims.yaml, A16)."""
NOT_IN_FIGURE_6 = ("apollo_7b", "bimedix_v1", "apollo_72b")
"""Rows of Table 2 without a bar (facts 6)."""

N_DEVICES = 8
"""Devices of the training run (facts 3: paper A.6)."""

STAGE_1_PAIRS = 467_000
"""Image-caption pairs of stage 1, to the thousand (facts 3: paper 2.2 and 5)."""
STAGE_1_ROWS_SHOWN = 467_000
"""Rows the dataset page shows, to the thousand (facts 4: dataset page)."""

V1_SAMPLES, V1_TOKENS, V1_ENGLISH_TOKENS = 1_300_000, 632_000_000, 288_000_000
"""BiMed1.3M: over so many instructions and tokens; tokens of the English model (facts 10: README, model card)."""
V1_CHATS_ABSTRACT, V1_CHATS_README = 250_000, 200_000
"""Multi-turn chats: arXiv abstract; README and EMNLP abstract, "over" (facts 10)."""
V1_TOKENS_PER_SECOND, SLOWER_TOKENS_PER_SECOND = Decimal("180.6"), Decimal("20.9")
"""BiMediX and a 70B model, the second "about" (facts 10: inferred, from a secondary source)."""
V1_UPHILL_GAIN = Decimal("4.4")
"""Points over GPT-4 on UPHILL (facts 10: EMNLP abstract)."""


def printed(table: ReportedTable, row: str, column: str) -> Decimal:
    """The number printed in a cell.

    Raises:
        PaperError: the cell holds no number, so the check cannot be made.
    """
    number = table.number(row, column)
    if number is None:
        raise PaperError(
            f"{table.name}, row {row!r}, column {column!r}: {table.cell(row, column)!r} where the audit needs a "
            "number; compare the file with the printed table"
        )
    return number


def cells(table: ReportedTable, row: str, columns: Sequence[str] | Mapping[str, int]) -> list[Decimal]:
    """The numbers of a row under some columns, in their order."""
    return [printed(table, row, column) for column in columns]


def name_of(table: ReportedTable, row: str) -> str:
    """The model's name as the paper prints it."""
    return table.cell(row, "model")


def label_of(table_name: str) -> str:
    """What a reader calls a reported table: ``Table 2``, ``Fig 4``, ``BiMediX English``.

    Example:
        >>> label_of("table02_clinical_llm"), label_of("bimedix1_english")
        ('Table 2', 'BiMediX English')
    """
    first, _, rest = table_name.partition("_")
    if first == "bimedix1":
        return f"BiMediX {rest.title()}"
    kind = first.rstrip("0123456789")
    return f"{kind.title()} {int(first.removeprefix(kind))}"


def metric_columns(table: ReportedTable, *, without: Sequence[str] = ()) -> list[str]:
    """The columns after id and name, without those named."""
    return [column for column in table.columns[2:] if column not in without]
