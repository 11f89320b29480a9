"""Claims of abstracts and READMEs that the tables alone cannot carry: sizes, speed, chats, bold marks, priority."""

from bimedix2_core.paper.audit.arithmetic import leaders
from bimedix2_core.paper.audit.findings import Recomputed
from bimedix2_core.paper.audit.sources import (
    COMPOSITION,
    SLOWER_TOKENS_PER_SECOND,
    STAGE_1_PAIRS,
    STAGE_1_ROWS_SHOWN,
    UPHILL,
    V1_CHATS_ABSTRACT,
    V1_CHATS_README,
    V1_ENGLISH_TOKENS,
    V1_SAMPLES,
    V1_TOKENS,
    V1_TOKENS_PER_SECOND,
    V1_UPHILL_GAIN,
    Tables,
    metric_columns,
    name_of,
    printed,
)
from bimedix2_core.paper.audit.wording import listed, rounded
from bimedix2_core.paper.reported import ReportedTable

NO_COUNT = "Not in our sources"
NOT_ARITHMETIC = "Not arithmetic"


def stage1_pairs(tables: Tables) -> Recomputed:
    """M01: the paper's count of stage 1 pairs against the rows the data set page shows."""
    del tables  # both counts are stated outside the tables
    return Recomputed(
        holds=STAGE_1_PAIRS == STAGE_1_ROWS_SHOWN,
        arithmetic=(
            f"paper {STAGE_1_PAIRS:,}; rows on the data set page {STAGE_1_ROWS_SHOWN:,}, both to the thousand",
        ),
        values={"pairs": STAGE_1_PAIRS, "rows_shown": STAGE_1_ROWS_SHOWN},
        caveat="Both numbers are rounded to the thousand, and we have not counted the file.",
        settle="Counting the entries of BiMed-V_stage1.json.",
    )


def active_parameters(tables: Tables) -> Recomputed:
    """M02: needs the shape of the base model, which no table has."""
    del tables
    return Recomputed(
        holds=None,
        arithmetic=("no computation: the shape of the base model is in none of the tables",),
        caveat=f"{NO_COUNT}: active parameters follow from the shape of the Mixtral base, which no table prints.",
        settle="Counting, on the meta device, the parameters that one token passes.",
    )


def eight_times_faster(tables: Tables) -> Recomputed:
    """M03: two throughputs from a secondary source."""
    del tables
    ratio = V1_TOKENS_PER_SECOND / SLOWER_TOKENS_PER_SECOND
    return Recomputed(
        holds=ratio >= 8,
        arithmetic=(
            f"{V1_TOKENS_PER_SECOND} / {SLOWER_TOKENS_PER_SECOND} tokens per second = {rounded(ratio, 1)} [inferred]",
        ),
        values={"ratio": ratio},
        caveat="Both throughputs come from a secondary source [inferred], and the second is approximate. It is "
        "one model of 70B parameters; which models are comparable, and on what hardware, is not stated.",
        settle="The paper's throughputs with hardware, batch size and prompt length; or a run of both models.",
    )


def samples_and_tokens(tables: Tables) -> Recomputed:
    """M04: tokens for each instruction."""
    del tables
    length = V1_TOKENS / V1_SAMPLES
    return Recomputed(
        holds=None,
        arithmetic=(f"{V1_TOKENS:,} tokens / {V1_SAMPLES:,} instructions = about {length:.0f} tokens each",),
        values={"tokens_per_sample": round(length)},
        caveat=f"{NO_COUNT}: the data set BiMed1.3M is not available where we looked, so neither count can be made "
        f"again. They fit one another: about {length:.0f} tokens for an instruction that may be a whole conversation.",
        settle="The data set, or its counts per source.",
    )


def arabic_to_english(tables: Tables) -> Recomputed:
    """M05: 1:2, by inherited rows and by tokens."""
    table = tables[COMPOSITION]
    text = {language: _text_rows(table, language) for language in ("ar", "en")}
    rest = V1_SAMPLES - text["ar"]
    by_rows, by_tokens = rest / text["ar"], V1_ENGLISH_TOKENS / (V1_TOKENS - V1_ENGLISH_TOKENS)
    return Recomputed(
        holds=round(by_rows) == 2,
        arithmetic=(
            f"rows: {V1_SAMPLES:,} in all - {text['ar']:,} Arabic text rows of Table 12 = {rest:,}; "
            f"1 : {rounded(by_rows)} [inferred]",
            f"rows BiMediX2 inherited: {text['ar']:,} Arabic, {text['en']:,} English; 1 : "
            f"{rounded(text['en'] / text['ar'])} [inferred]",
            f"tokens: {V1_TOKENS:,} in all - {V1_ENGLISH_TOKENS:,} of the English model = "
            f"{V1_TOKENS - V1_ENGLISH_TOKENS:,}; 1 : {by_tokens:.2f} [inferred]",
        ),
        values={"by_rows": by_rows, "by_inherited_rows": text["en"] / text["ar"], "by_tokens": rounded(by_tokens)},
        caveat="True of rows, if Table 12 inherited all Arabic rows of BiMed1.3M and the others are English "
        f"[inferred]. By tokens more than half would be Arabic, if the {V1_ENGLISH_TOKENS:,} are all the English ones "
        "[inferred].",
        settle="The data set, or its counts per language; and whether the ratio is meant for rows or tokens.",
    )  # fmt: skip


def chats(tables: Tables) -> Recomputed:
    """M06: 250k against over 200,000, and the conversations BiMediX2 inherited."""
    samples = tables[COMPOSITION].column("samples")
    english, arabic = samples["multi_turn_conversation"], samples["multi_turn_conversation_ar"]
    return Recomputed(
        holds=V1_CHATS_ABSTRACT > V1_CHATS_README,
        arithmetic=(
            f"arXiv abstract {V1_CHATS_ABSTRACT:,}; README and EMNLP abstract over {V1_CHATS_README:,}",
            f"Table 12: {english:,} English + {arabic:,} Arabic = {english + arabic:,} multi-turn conversations",
        ),
        values={"inherited": english + arabic},
        caveat=f"The two can both be true, since 250,000 is over 200,000, but they are not one count. Of them BiMediX2 "
        f"inherited {english + arabic:,} [inferred], a little under either.",
        settle="The data set, or a note on which chats were left out between the two versions.",
    )


def uphill_gain_of_bimedix1(tables: Tables) -> Recomputed:
    """M07: the lead over GPT-4 on UPHILL, and what it would mean in Figure 4."""
    gpt_4, ours = (printed(tables[UPHILL], row, "uphill_overall_accuracy") for row in ("gpt_4", "bimedix2_8b"))
    implied = gpt_4 + V1_UPHILL_GAIN
    return Recomputed(
        holds=None,
        arithmetic=(f"{gpt_4} (GPT-4, Fig 4) + {V1_UPHILL_GAIN} = {implied}, if GPT-4 scored the same in both papers",),
        values={"implied": implied},
        caveat=f"{NO_COUNT}: no table prints BiMediX's UPHILL score. If GPT-4 scored the same in both papers it would "
        f"be {implied}, close to the {ours} of BiMediX2 8B.",
        settle="BiMediX's UPHILL table, with GPT-4's score in it.",
    )


def bold_marks(tables: Tables) -> Recomputed:
    """M08: the maxima where bold marks should stand; the marks themselves are not in our copy."""
    best = {name: _maxima(table) for name, table in tables.items()}
    shared = {f"{name.split('_')[0]}.{column}": rows for name, columns in best.items()
              for column, rows in columns.items() if len(rows) > 1}  # fmt: skip
    n_columns = sum(map(len, best.values()))
    return Recomputed(
        holds=None,
        arithmetic=tuple(line for name, columns in best.items() for line in _maxima_lines(tables[name], columns)),
        values={"columns": n_columns, "shared": {place: list(rows) for place, rows in shared.items()}},
        caveat=f"{NO_COUNT}: our copy of the tables has the numbers without the bold marks. Listed is where they "
        f"belong: {n_columns} column maxima, {len(shared)} of them shared ({listed(shared)}).",
        settle="Reading the marks in the PDF, column by column, against this list.",
    )


def firsts(tables: Tables) -> Recomputed:
    """M09: statements of priority."""
    del tables
    return Recomputed(
        holds=None,
        arithmetic=("no computation: priority over other work is no sum",),
        caveat=f"{NOT_ARITHMETIC}: whether something was the first of its kind is a question to the literature, and "
        "depends on how the kind is drawn.",
        settle="A dated survey of bilingual medical models.",
    )


def _text_rows(table: ReportedTable, language: str):
    """Rows of BiMed-V read as text in one language."""
    samples = table.column("samples")
    kinds = {row: (table.cell(row, "language"), table.cell(row, "modality_inferred")) for row in samples}
    return sum(count for row, count in samples.items() if kinds[row] == (language, "text"))


def _maxima(table: ReportedTable) -> dict[str, tuple[str, ...]]:
    """The leading rows of every column of scores."""
    return {column: leaders(table.column(column)) for column in metric_columns(table)}


def _maxima_lines(table: ReportedTable, best: dict[str, tuple[str, ...]]) -> list[str]:
    """One line for each model, or models together, with the columns they lead."""
    columns_of: dict[tuple[str, ...], list[str]] = {}
    for column, rows in best.items():
        columns_of.setdefault(rows, []).append(column)
    return [
        f"{table.name.split('_')[0]}, {' and '.join(name_of(table, row) for row in rows)}: {listed(columns)}"
        for rows, columns in columns_of.items()
    ]


CHECKS = {
    "M01_stage1_pairs": stage1_pairs,
    "M02_active_parameters": active_parameters,
    "M03_eight_times_faster": eight_times_faster,
    "M04_samples_and_tokens": samples_and_tokens,
    "M05_arabic_to_english": arabic_to_english,
    "M06_chats": chats,
    "M07_uphill_gain_of_bimedix1": uphill_gain_of_bimedix1,
    "M08_bold_marks": bold_marks,
    "M09_firsts": firsts,
}
