"""Claims on BiMed-V, on the size of the benchmarks, and statements older than the paper or made by others."""

from decimal import Decimal

from bimedix2_core.paper.audit.findings import Recomputed
from bimedix2_core.paper.audit.sources import (
    CLINICAL,
    COMPOSITION,
    MBENCH_DOMAINS,
    MBENCH_EN,
    MBENCH_LANGUAGES,
    MBENCH_QUERIES_STATED,
    MBENCH_QUERIES_STATED_BEFORE,
    MBENCH_QUESTIONS,
    MBENCH_TYPES,
    MMLU_SIZES,
    REPORTS,
    SUMMARIES,
    UPHILL,
    VQA,
    Tables,
    metric_columns,
    printed,
)
from bimedix2_core.paper.audit.wording import listed, minus_line, rounded
from bimedix2_core.paper.reported import ReportedTable

MODALITY_INFERRED = "The modality of most rows is our best reading, not printed in the paper."


def dataset_size(tables: Tables) -> Recomputed:
    """C23: the sum of all rows, cut to the hundred thousand."""
    samples = tables[COMPOSITION].column("samples")
    total = sum(samples.values())
    return Recomputed(
        holds=total // 100_000 == 16,
        arithmetic=(
            f"sum of {len(samples)} rows = {total:,}",
            f"{total:,} = {rounded(total / 1_000_000)}M, cut to 1.6M",
        ),
        values={"sum": total},
    )


def bilingual_subset(tables: Tables) -> Recomputed:
    """C24: the open-ended rows in English and in Arabic."""
    samples = tables[COMPOSITION].column("samples")
    english, arabic = samples["llava_med_to_qa"], samples["llava_med_to_qa_ar"]
    return Recomputed(
        holds=english == arabic and (english + arabic) // 1000 == 326 and arabic // 1000 == 163,
        arithmetic=(f"{english:,} English + {arabic:,} Arabic = {english + arabic:,}",),
        values={"sum": english + arabic, "each": arabic},
    )


def over_10k_conversations(tables: Tables) -> Recomputed:
    """C25: the rows of LLaVA-Med-Subset-to-Conv."""
    samples = tables[COMPOSITION].column("samples")["llava_med_subset_to_conv"]
    return Recomputed(holds=samples > 10_000, arithmetic=(f"{samples:,} > 10,000",), values={"samples": samples})


def benchmark_size(tables: Tables) -> Recomputed:
    """C26: two languages of 143 + 50 questions."""
    del tables  # the counts are stated outside the tables
    total = MBENCH_LANGUAGES * MBENCH_QUESTIONS
    return Recomputed(
        holds=total == MBENCH_QUERIES_STATED,
        arithmetic=(_queries_line(),),
        values={"total": total},
        caveat=f"{MBENCH_QUESTIONS} distinct questions, each asked in two languages. Paper v1 and the README of "
        f"December 2024 say {MBENCH_QUERIES_STATED_BEFORE}.",
    )


def mmlu_size(tables: Tables) -> Recomputed:
    """C27: the questions of six subjects."""
    del tables  # the counts are stated outside the tables
    total = sum(MMLU_SIZES.values())
    return Recomputed(
        holds=total == 1089,
        arithmetic=(f"{' + '.join(map(str, MMLU_SIZES.values()))} = {total:,}",),
        values={"sum": total},
    )


def twelve_benchmarks(tables: Tables) -> Recomputed:
    """C28: distinct benchmarks over all tables, six MMLU subjects and two languages counting once each."""
    text = [column for column in metric_columns(tables[CLINICAL], without=("average",)) if column not in MMLU_SIZES]
    vqa = dict.fromkeys(column.split("__")[0] for column in metric_columns(tables[VQA], without=("average",)))
    others = {UPHILL: "UPHILL", MBENCH_EN: "BiMed-MBench", SUMMARIES: "MIMIC-III", REPORTS: "MIMIC-CXR"}
    found = ["Medical MMLU", *text, *vqa, *(others[name] for name in tables if name in others)]
    return Recomputed(
        holds=len(found) == 12,
        arithmetic=(f"{listed(found)}: {len(found)}",),
        values={"count": len(found)},
        caveat="Twelve if the six MMLU subjects count as one benchmark, and the two languages of BiMed-MBench too. The "
        "paper gives no list.",
        settle="The authors' list of the twelve.",
    )


def table12_total(tables: Tables) -> Recomputed:
    """A10: the rows against the printed total."""
    table = tables[COMPOSITION]
    samples, total = table.column("samples"), printed(table, "total", "samples")
    return Recomputed(
        holds=sum(samples.values()) == total,
        arithmetic=(f"{' + '.join(map(str, samples.values()))} = {sum(samples.values())}, printed {total}",),
        values={"sum": sum(samples.values()), "rows": len(samples)},
    )


def table12_splits(tables: Tables) -> Recomputed:
    """A11: samples by language and by inferred modality."""
    table = tables[COMPOSITION]
    sums: dict[str, Decimal] = {}
    for row, samples in table.column("samples").items():
        language, modality = table.cell(row, "language"), table.cell(row, "modality_inferred")
        for name in (language, modality, f"{modality}_{language}"):
            sums[name] = sums.get(name, Decimal(0)) + samples
    total = printed(table, "total", "samples")
    share = 100 * sums["ar"] / total
    return Recomputed(
        holds=sums["ar"] + sums["en"] == total == sums["text"] + sums["image_text"],
        arithmetic=(
            f"{sums['ar']:,} Arabic + {sums['en']:,} English = {sums['ar'] + sums['en']:,}",
            f"{sums['ar']:,} / {total:,} = {rounded(share, 1)} % Arabic",
            *(
                f"{name}: {sums[f'{name}_en']:,} English + {sums[f'{name}_ar']:,} Arabic = {sums[name]:,}"
                for name in ("text", "image_text")
            ),
        ),
        values={**sums, "ar_share_percent": share},
        caveat=f"The language is read from the (Ara) suffix. {MODALITY_INFERRED}",
        settle="Counting the rows with an image in the published stage 2 file.",
    )


def mbench_counts(tables: Tables) -> Recomputed:
    """A17: the questions by type and by domain."""
    del tables  # the counts are stated outside the tables
    types, domains = list(MBENCH_TYPES.values()), list(MBENCH_DOMAINS.values())
    return Recomputed(
        holds=sum(types) == sum(domains) == MBENCH_QUESTIONS,
        arithmetic=tuple(f"{' + '.join(map(str, counts))} = {sum(counts)}" for counts in (types, domains)),
        values={"type": types, "domain": domains},
        caveat="Eight questions carry two domains; the published summary script gives them to the first, and these "
        "counts do the same.",
        settle="Nothing more is needed: the question file is public.",
    )


def readme_gpt4_9_points(tables: Tables) -> Recomputed:
    """O01: the 70B against GPT-4 on the average of Table 2."""
    averages = tables[CLINICAL].column("average")
    ours, other = averages["bimedix2_70b"], averages["gpt_4"]
    return Recomputed(
        holds=ours - other > 9,
        arithmetic=(minus_line("BiMediX2 70B", ours, "GPT 4", other),),
        values={"difference": ours - other},
        caveat="Table 2 of the paper shows a smaller lead, and the paper does not repeat the sentence. It stands in a "
        "README from before the paper and may describe other models or runs.",
        settle="The table the README of 2024 was written from.",
    )


def readme_120k_pairs(tables: Tables) -> Recomputed:
    """O02: image-text rows of Table 12 against 120k."""
    table = tables[COMPOSITION]
    pairs = sum(
        samples
        for row, samples in table.column("samples").items()
        if table.cell(row, "modality_inferred") == "image_text"
    )
    return Recomputed(
        holds=pairs // 1000 == 120,
        arithmetic=(f"image-text rows of Table 12 = {pairs:,}, stated 120,000",),
        values={"sum": pairs},
        caveat=f"The set has grown since: Table 12 describes a later one. {MODALITY_INFERRED}",
        settle="Nothing more is needed: the paper supersedes the README.",
    )


def mbench_286(tables: Tables) -> Recomputed:
    """O03: 286 against two languages of 193."""
    del tables  # the counts are stated outside the tables
    counted = MBENCH_LANGUAGES * MBENCH_QUESTIONS
    return Recomputed(
        holds=counted == MBENCH_QUERIES_STATED_BEFORE,
        arithmetic=(
            _queries_line(),
            f"{MBENCH_QUERIES_STATED_BEFORE} - {counted} = {MBENCH_QUERIES_STATED_BEFORE - counted}",
        ),
        values={"difference": MBENCH_QUERIES_STATED_BEFORE - counted},
        caveat=f"The authors corrected it to {MBENCH_QUERIES_STATED} in v2 and in the README of 2025.",
    )


def beats_gpt4o(tables: Tables) -> Recomputed:
    """O04: rows for GPT-4o in any table of results."""
    rows = [f"{name}: {row}" for name, table in tables.items() for row in table.ids if _is_gpt4o(table, row)]
    return Recomputed(
        holds=bool(rows),
        arithmetic=(f"rows for GPT-4o in {len(tables)} tables: {len(rows)}",),
        values={"rows_found": len(rows)},
        caveat="GPT-4o translates and judges; it is never a compared model. The sentence is not the authors'.",
        settle="Nothing more is needed: the paper makes no such comparison.",
    )


def _queries_line() -> str:
    types = " + ".join(f"{count} {kind}" for kind, count in MBENCH_TYPES.items())
    return f"{MBENCH_LANGUAGES} languages x ({types}) = {MBENCH_LANGUAGES * MBENCH_QUESTIONS}"


def _is_gpt4o(table: ReportedTable, row: str) -> bool:
    letters = "".join(letter for letter in table.cell(row, "model").lower() if letter.isalnum())
    return "gpt4o" in letters


CHECKS = {
    "C23_dataset_size": dataset_size,
    "C24_bilingual_subset": bilingual_subset,
    "C25_over_10k_conversations": over_10k_conversations,
    "C26_benchmark_size": benchmark_size,
    "C27_mmlu_size": mmlu_size,
    "C28_twelve_benchmarks": twelve_benchmarks,
    "O01_readme_gpt4_9_points": readme_gpt4_9_points,
    "O02_readme_120k_pairs": readme_120k_pairs,
    "O03_mbench_286": mbench_286,
    "O04_beats_gpt4o": beats_gpt4o,
    "A10_table12_total": table12_total,
    "A11_table12_splits": table12_splits,
    "A17_mbench_counts": mbench_counts,
}
