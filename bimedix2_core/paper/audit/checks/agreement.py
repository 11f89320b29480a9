"""Arithmetic audit: numbers that stand in two places, and Table 11 against the released scripts."""

from decimal import Decimal, InvalidOperation

from bimedix2_core.paper.audit.arithmetic import agrees, mean, weighted_mean
from bimedix2_core.paper.audit.findings import Recomputed
from bimedix2_core.paper.audit.sources import (
    CLINICAL,
    FIGURE_6_TOTALS,
    HYPERPARAMETERS,
    LANGUAGES,
    MBENCH_AR,
    MBENCH_DOMAINS,
    MBENCH_EN,
    N_DEVICES,
    NOT_IN_FIGURE_6,
    STAGES,
    SUMMARIES,
    TRANSLATION,
    V1_COLUMNS,
    V1_ENGLISH,
    VARIANTS,
    Tables,
    cells,
    name_of,
    printed,
)
from bimedix2_core.paper.audit.wording import listed, rounded, weighted_line

STAGE_COLUMNS = (("stage1", "script_stage1"), ("stage2", "script_stage2"))
OTHER_PARAMETERS = (
    "learning_rate", "mm_projector_lr", "warmup_ratio", "lr_scheduler", "weight_decay", "optimizer", "precision",
    "peft", "lora_rank", "lora_alpha",
)  # fmt: skip
IN_SCRIPTS = {"bfloat16": "bf16 true", "lora": "lora_enable true", "none": ""}
"""What the scripts write for a word of Table 11; for ``none``, that LoRA is not switched on."""


def table13_accuracy(tables: Tables) -> Recomputed:
    """A12: Medical Accuracy against the averages of Table 2."""
    accuracies, averages = tables[VARIANTS].column("medical_accuracy"), tables[CLINICAL].column("average")
    return Recomputed(
        holds=all(averages[row] == accuracy for row, accuracy in accuracies.items()),
        arithmetic=tuple(
            f"{name_of(tables[CLINICAL], row)}: {accuracy} in Table 13, {averages[row]} in Table 2"
            for row, accuracy in accuracies.items()
        ),
        values={"values": list(accuracies.values())},
    )


def table9_baseline(tables: Tables) -> Recomputed:
    """A13: the baseline against the LLaVA-pp row."""
    baseline = printed(tables[STAGES], "baseline", "bimed_mbench_en_overall")
    llava_pp = printed(tables[MBENCH_EN], "llava_pp", "overall")
    return Recomputed(
        holds=baseline == llava_pp,
        arithmetic=(f"{baseline} (Baseline, Table 9) = {llava_pp} (LLaVA-pp, Table 3)",),
        values={"value": baseline},
    )


def table9_stage2(tables: Tables) -> Recomputed:
    """A14: stage 2 against the 8B rows of Tables 3 and 2."""
    stages = tables[STAGES]
    pairs = {
        "Table 3": (
            printed(stages, "stage_2", "bimed_mbench_en_overall"), printed(tables[MBENCH_EN], "bimedix2_8b", "overall"),
        ),
        "Table 2": (
            printed(stages, "stage_2", "clinical_llm_average"), printed(tables[CLINICAL], "bimedix2_8b", "average"),
        ),
    }  # fmt: skip
    return Recomputed(
        holds=all(left == right for left, right in pairs.values()),
        arithmetic=tuple(f"{left} (Stage-2) = {right} (8B, {place})" for place, (left, right) in pairs.items()),
        values={"values": [left for left, _ in pairs.values()]},
    )


def tables_8_10_4_agree(tables: Tables) -> Recomputed:
    """A15: the English-only and the bilingual model in Tables 8, 10 and 4."""
    eng, bi = (
        [printed(tables[name], row, "bimed_mbench_ar_overall") for name in (TRANSLATION, LANGUAGES)]
        for row in ("bimedix2_8b_eng", "bimedix2_8b_bi")
    )
    bi.append(printed(tables[MBENCH_AR], "bimedix2_8b", "overall"))
    domains = cells(tables[MBENCH_AR], "bimedix2_8b", MBENCH_DOMAINS)
    weights = list(MBENCH_DOMAINS.values())
    return Recomputed(
        holds=agrees(eng[0], eng[1]) and agrees(bi[0], bi[1]) and bi[1] == bi[2],
        arithmetic=(
            f"English-only model: {eng[0]} in Table 8, {eng[1]} in Table 10",
            f"bilingual model: {bi[0]} in Table 8, {bi[1]} in Table 10, {bi[2]} in Table 4",
            weighted_line("its domains in Table 4", domains, weights, bi[2]),
        ),
        values={"eng": eng, "bi": bi, "domain_weighted": weighted_mean(domains, weights)},
    )


def fig6_totals(tables: Tables) -> Recomputed:
    """A16: the totals on the bars against the averages of Table 2."""
    averages = {row: value for row, value in tables[CLINICAL].column("average").items() if row not in NOT_IN_FIGURE_6}
    return Recomputed(
        holds=sorted(averages.values()) == sorted(FIGURE_6_TOTALS),
        arithmetic=(
            f"on the bars: {listed(FIGURE_6_TOTALS)}",
            f"Table 2: {listed(f'{value} ({name_of(tables[CLINICAL], row)})' for row, value in averages.items())}",
        ),
        values={"models": len(averages)},
    )


def bleu4_rescaled(tables: Tables) -> Recomputed:
    """A18: rows in which BLEU-4* is larger than BLEU-1, which plain BLEU hardly allows."""
    table = tables[SUMMARIES]
    larger = {}
    for row, starred in table.column("bleu_4_rescaled").items():
        plain = printed(table, row, "bleu_1")
        if starred > plain:
            larger[row] = [starred, plain]
    return Recomputed(
        holds=bool(larger),
        arithmetic=tuple(
            f"{name_of(table, row)}: BLEU-4* {starred} > BLEU-1 {plain}" for row, (starred, plain) in larger.items()
        ),
        values=larger,
    )


def bimedixv1_row(tables: Tables) -> Recomputed:
    """A19: the BiMediXv1 row of Table 2 against the English table of BiMediX."""
    ours, theirs = _shared_columns(tables, "bimedix_v1", "bimedix_v1_english")
    usmle = printed(tables[CLINICAL], "bimedix_v1", "usmle")
    nine, ten = (rounded(mean(values), 1) for values in ([*ours.values()], [*ours.values(), usmle]))
    averages = (
        printed(tables[V1_ENGLISH], "bimedix_v1_english", "avg"),
        printed(tables[CLINICAL], "bimedix_v1", "average"),
    )
    equal = sum(ours[column] == theirs[column] for column in ours)
    return Recomputed(
        holds=equal == len(ours),
        arithmetic=(
            f"{equal} of {len(ours)} shared columns are equal",
            f"mean of nine {nine}, of ten with USMLE {usmle} {ten}; printed {averages[0]} and {averages[1]}",
        ),
        values={"equal_columns": equal, "mean_of_nine": nine, "mean_of_ten": ten},
    )


def meditron_conflict(tables: Tables) -> Recomputed:
    """A20: the Meditron 70B rows of both papers."""
    ours, theirs = _shared_columns(tables, "meditron_70b", "meditron_70b")
    equal = sum(ours[column] == theirs[column] for column in ours)
    widest = max(ours, key=lambda column: abs(ours[column] - theirs[column]))
    higher = [column for column in ours if ours[column] > theirs[column]]
    return Recomputed(
        holds=equal == len(ours),
        arithmetic=tuple(f"{column}: {ours[column]} in Table 2, {theirs[column]} in BiMediX" for column in ours),
        values={"equal_columns": equal, "largest_gap": {widest: [ours[widest], theirs[widest]]}},
        caveat=f"{len(ours) - equal} of {len(ours)} columns differ; {listed(higher)} is higher in Table 2, the rest "
        "lower. Other versions of the harness, prompts or weights would each explain it, so rows of the two papers are "
        "best not mixed.",
        settle="Harness version, shots and prompt of both runs.",
    )


def paper_batch(tables: Tables) -> Recomputed:
    """A21: global batch of both stages, paper against scripts."""
    table = tables[HYPERPARAMETERS]
    batches, lines = {}, []
    for source, columns in zip(("paper", "scripts"), zip(*STAGE_COLUMNS, strict=True), strict=True):
        for stage, column in enumerate(columns, 1):
            per_device = printed(table, "train_batch_size_per_device", column)
            steps = printed(table, "gradient_accumulation_steps", column)
            batches.setdefault(source, []).append(per_device * steps * N_DEVICES)
            lines.append(f"{source}, stage {stage}: {per_device} x {steps} x {N_DEVICES} = {batches[source][-1]}")
    return Recomputed(
        holds=batches["paper"] == batches["scripts"],
        arithmetic=tuple(lines),
        values=batches,
        caveat=f"With {N_DEVICES} devices, as the paper says; the scripts do not fix their number. The scripts may be "
        "a later version than the run in the paper.",
        settle="The launch command of the run, or its training log.",
    )


def script_epoch(tables: Tables) -> Recomputed:
    """A22: whether the published stage 2 script runs for its epoch."""
    table = tables[HYPERPARAMETERS]
    max_steps = table.number("max_steps", "script_stage2")
    epochs = printed(table, "num_epochs", "stage2")
    return Recomputed(
        holds=max_steps is None,
        arithmetic=(f"Table 11: {epochs} epoch; script: max_steps {max_steps}, which overrides the number of epochs",),
        values={"max_steps": max_steps},
        caveat="As published the script stops after that many steps; probably left over from a trial run. Whoever runs "
        "it should take the line out.",
        settle="The training log of the released checkpoint.",
    )


def other_hyperparameters(tables: Tables) -> Recomputed:
    """A23: the other rows of Table 11 against the scripts, as numbers or as what the scripts call them."""
    table = tables[HYPERPARAMETERS]
    lines, differ, only_paper = [], [], []
    for row in OTHER_PARAMETERS:
        pairs = [(table.cell(row, paper), table.cell(row, script)) for paper, script in STAGE_COLUMNS]
        lines.append(f"{row}: " + "; ".join(f"{paper} in Table 11, {script or 'not set'}" for paper, script in pairs))
        if row == "optimizer" and not any(script for _, script in pairs):
            only_paper.append(row)
        elif not all(_same_setting(paper, script) for paper, script in pairs):
            differ.append(row)
    return Recomputed(
        holds=not differ,
        arithmetic=tuple(lines),
        values={"differ": differ, "only_in_the_paper": only_paper},
        caveat=f"Only in the paper: {listed(only_paper)}. The scripts keep the framework's default, which may be "
        "another member of the Adam family."
        if only_paper
        else "",
        settle="The training log of the released checkpoint.",
    )


def _shared_columns(tables: Tables, row: str, v1_row: str) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """The nine columns both papers have: of Table 2, and of the English table of BiMediX."""
    ours = {column: printed(tables[CLINICAL], row, column) for column in V1_COLUMNS}
    theirs = {column: printed(tables[V1_ENGLISH], v1_row, twin) for column, twin in V1_COLUMNS.items()}
    return ours, theirs


def _same_setting(paper: str, script: str) -> bool:
    """Whether a script sets what Table 11 prints: equal numbers, equal words, or the scripts' own word for it."""
    if paper == "-":
        return not script
    try:
        return Decimal(paper) == Decimal(script)
    except InvalidOperation:
        wanted = IN_SCRIPTS.get(paper.lower(), paper.lower())
        return wanted in script.lower() if wanted else "lora_enable true" not in script.lower()


CHECKS = {
    "A12_table13_accuracy": table13_accuracy,
    "A13_table9_baseline": table9_baseline,
    "A14_table9_stage2": table9_stage2,
    "A15_tables_8_10_4_agree": tables_8_10_4_agree,
    "A16_fig6_totals": fig6_totals,
    "A18_bleu4_rescaled": bleu4_rescaled,
    "A19_bimedixv1_row": bimedixv1_row,
    "A20_meditron_conflict": meditron_conflict,
    "A21_paper_batch": paper_batch,
    "A22_script_epoch": script_epoch,
    "A23_other_hyperparameters": other_hyperparameters,
}
