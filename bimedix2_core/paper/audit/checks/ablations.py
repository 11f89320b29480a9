"""Claims on training stages, bilingual training, human preference and the three sizes."""

from bimedix2_core.paper.audit.arithmetic import counts_behind, rises
from bimedix2_core.paper.audit.findings import Recomputed
from bimedix2_core.paper.audit.sources import (
    LANGUAGES,
    PREFERENCE_SHARES,
    STAGES,
    TRANSLATION,
    VARIANTS,
    Tables,
    cells,
)
from bimedix2_core.paper.audit.wording import listed, minus_line, rounded
from bimedix2_core.paper.reported import ReportedTable

MOST_CASES = 200
"""The search for the number of judged cases ends here."""

STAGE_ROWS = ("baseline", "stage_1", "stage_2")
SIZES = ("bimedix2_4b", "bimedix2_8b", "bimedix2_70b")


def stage_gains(tables: Tables) -> Recomputed:
    """C16: BiMed-MBench from baseline to stage 1 to stage 2."""
    scores = _stages(tables[STAGES], "bimed_mbench_en_overall")
    return Recomputed(
        holds=rises(scores),
        arithmetic=(
            minus_line("Stage-1", scores[1], "Baseline", scores[0]),
            minus_line("Stage-2", scores[2], "Stage-1", scores[1]),
        ),
        values={"stage_1_gain": scores[1] - scores[0], "stage_2_gain": scores[2] - scores[1]},
    )


def stage1_text_unchanged(tables: Tables) -> Recomputed:
    """C17: the text score before and after stage 1."""
    baseline, stage_1, _ = _stages(tables[STAGES], "clinical_llm_average")
    return Recomputed(
        holds=baseline == stage_1,
        arithmetic=(minus_line("Stage-1", stage_1, "Baseline", baseline),),
        values={"score": stage_1},
        caveat="True by construction: stage 1 trains the projector only, and a text-only question never passes it. It "
        "confirms the set-up rather than measuring an effect.",
        settle="Nothing more is needed: it follows from what stage 1 trains.",
    )


def stage2_text_gain(tables: Tables) -> Recomputed:
    """C18: the text score before and after stage 2."""
    _, stage_1, stage_2 = _stages(tables[STAGES], "clinical_llm_average")
    return Recomputed(
        holds=stage_2 > stage_1,
        arithmetic=(minus_line("Stage-2", stage_2, "Stage-1", stage_1),),
        values={"difference": stage_2 - stage_1},
    )


def translation_cascade(tables: Tables) -> Recomputed:
    """C19: translating around the English model against bilingual training.

    A gain counts as small if it is below half of what bilingual training gains.
    """
    table = tables[TRANSLATION]
    scores = table.column("bimed_mbench_ar_overall")
    english, bilingual = scores["bimedix2_8b_eng"], scores["bimedix2_8b_bi"]
    translated = {
        table.cell(row, "translation"): score for row, score in scores.items() if table.cell(row, "translation")
    }
    gains = {service: score - english for service, score in translated.items()}
    best = max(translated.values())
    return Recomputed(
        holds=all(0 < gain < (bilingual - english) / 2 for gain in gains.values()) and bilingual > best,
        arithmetic=(
            *(minus_line(service, translated[service], "English model", english) for service in translated),
            minus_line("bilingual model", bilingual, "best with translation", best),
            minus_line("bilingual model", bilingual, "English model", english),
        ),
        values={
            "gains": gains, "bilingual_over_best": bilingual - best, "bilingual_over_english": bilingual - english,
        },
    )  # fmt: skip


def bilingual_over_monolingual(tables: Tables) -> Recomputed:
    """C20: the bilingual model against the Arabic-only and the English-only one."""
    scores = tables[LANGUAGES].column("bimed_mbench_ar_overall")
    eng, ara, bi = (scores[f"bimedix2_8b_{language}"] for language in ("eng", "ara", "bi"))
    return Recomputed(
        holds=rises((eng, ara, bi)),
        arithmetic=(minus_line("bilingual", bi, "Arabic-only", ara), minus_line("bilingual", bi, "English-only", eng)),
        values={"over_ara": bi - ara, "over_eng": bi - eng},
        caveat="One run of each, and the three models see different amounts of data, so languages and amount change "
        "together. There is no English column, so the reverse effect cannot be checked.",
        settle="The three models trained on equal numbers of rows, and their English scores.",
    )


def human_preference(tables: Tables) -> Recomputed:
    """C21: which numbers of cases give all three shares after rounding."""
    del tables  # the shares stand in the text
    shares = PREFERENCE_SHARES
    fitting = {n: counts for n in range(1, MOST_CASES + 1) if (counts := counts_behind(list(shares.values()), n))}
    smallest = min(fitting, default=0)
    are_multiples = bool(fitting) and all(n % smallest == 0 for n in fitting)
    counts = list(fitting.get(smallest, ()))
    return Recomputed(
        holds=sum(shares.values()) == 100,
        arithmetic=(
            f"{' + '.join(str(share) for share in shares.values())} = {sum(shares.values())}",
            f"smallest number of cases: {smallest}, shared as {counts}",
            f"all up to {MOST_CASES}: {listed(fitting)}",
        ),
        values={
            f"fractions_of_{smallest}": counts,
            "possible_n": f"multiples of {smallest}" if are_multiples else list(fitting),
        },
        caveat=f"The three shares are exactly {counts} of {smallest}, or a multiple of {smallest}. How many cases and "
        "raters there were is not stated; we infer this from the rounding.",
        settle="The number of cases, the number of raters, and their agreement.",
    )


def variant_tradeoff(tables: Tables) -> Recomputed:
    """C22: throughput, waiting time, memory and accuracy from 4B to 8B to 70B."""
    table = tables[VARIANTS]
    speed, wait, memory, accuracy = (
        [table.column(column)[row] for row in SIZES]
        for column in ("token_throughput_tok_s", "mean_ttft_ms", "gpu_vram_gb", "medical_accuracy")
    )
    faster, longer = speed[1] / speed[2], wait[2] / wait[1]
    return Recomputed(
        holds=rises(speed[::-1]) and rises(wait) and rises(memory) and rises(accuracy),
        arithmetic=(
            f"tokens per second, 4B to 70B: {' > '.join(map(str, speed))}; {speed[1]} / {speed[2]} = {rounded(faster)}",
            f"time to first token, ms: {' < '.join(map(str, wait))}; {wait[2]} / {wait[1]} = {rounded(longer)}",
            f"GPU memory, GB: {' < '.join(map(str, memory))}",
            f"accuracy: {' < '.join(map(str, accuracy))}",
        ),
        values={"throughput_8b_over_70b": faster, "ttft_70b_over_8b": longer},
        caveat="The memory column looks like what vLLM reserves in advance (about 0.9 of each 48 GB card, one card for "
        "4B and 8B, four for 70B), so it may not measure what a model needs. We infer this.",
        settle="The command line of the benchmark: cards per model, precision, and vLLM's memory setting.",
    )


def _stages(table: ReportedTable, column: str):
    """A column of Table 9 in the order of training."""
    return [cells(table, row, [column])[0] for row in STAGE_ROWS]


CHECKS = {
    "C16_stage_gains": stage_gains,
    "C17_stage1_text_unchanged": stage1_text_unchanged,
    "C18_stage2_text_gain": stage2_text_gain,
    "C19_translation_cascade": translation_cascade,
    "C20_bilingual_over_monolingual": bilingual_over_monolingual,
    "C21_human_preference": human_preference,
    "C22_variant_tradeoff": variant_tradeoff,
}
