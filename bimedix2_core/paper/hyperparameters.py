"""Hyperparameters: Table 11 from three columns, the profile that ran, the paper, and the released scripts."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from bimedix2_core.errors import DataError
from bimedix2_core.paper import reported
from bimedix2_core.paper.tables import Table
from bimedix2_core.params import BaseParts, Params, Stage2Params, StageParams

TABLE = "table11_hyperparameters"

_SAYS_THE_SAME = {
    "bf16 True, tf32 True": "bfloat16",
    "tune_mm_mlp_adapter True": "None",
    "lora_enable True": "LoRA",
    "-": "",
}
"""What the scripts' switches, and the paper's dash, come to."""

NOT_EQUAL = "\u2260"


PER_DEVICE = "train_batch_size_per_device"


def hyperparameter_table(params: Params) -> Table:
    """Each setting of both stages: as this profile runs it, as the paper prints it, as the released scripts set it.

    An empty cell is not printed or not set. The column ``differs`` names each pair of filled cells that disagree. A run
    packs the samples of a step into rows, on as many devices as there are, so its batch per device is no number.

    Raises:
        DataError: the profile trains nothing.
    """
    if params.stage1 is None or params.stage2 is None:
        raise DataError(f"profile {params.run.profile} trains nothing, so it has no settings of training to show")
    table = reported.read(TABLE)
    stages = {1: params.stage1, 2: params.stage2}
    runs = {number: _settings(params, stage) for number, stage in stages.items()}
    rows = []
    for parameter in table.ids:
        for number, settings in runs.items():
            cells = {
                "run": settings.get(parameter, ""),
                "paper": table.cell(parameter, f"stage{number}"),
                "script": table.cell(parameter, f"script_stage{number}"),
            }
            note = table.cell(parameter, "note")
            if parameter == PER_DEVICE:
                note = "; ".join([note, _packed(stages[number])]).removeprefix("; ")
            if any(cells.values()):
                rows.append(_row(table.cell(parameter, "parameter") or parameter, number, cells, note))
    columns = ("parameter", "stage", f"this run ({params.run.profile})", "paper", "released script", "differs", "note")
    return Table(columns, tuple(rows), "Table 11. Settings of both training stages")


def _row(name: str, stage: int, cells: Mapping[str, str], note: str) -> tuple:
    pairs = (("run", "paper"), ("run", "script"), ("paper", "script"))
    apart = [f"{a} {NOT_EQUAL} {b}" for a, b in pairs if cells[a] and cells[b] and not _same(cells[a], cells[b])]
    return (name, str(stage), *cells.values(), ", ".join(apart), note)


def _same(a: str, b: str) -> bool:
    a, b = _SAYS_THE_SAME.get(a, a), _SAYS_THE_SAME.get(b, b)
    try:
        return Decimal(a) == Decimal(b)
    except InvalidOperation:
        return a.casefold() == b.casefold()


def _packed(stage: StageParams) -> str:
    return f"this run packs the {stage.global_batch_size} samples of a step into rows of {stage.row_length} tokens"


def _settings(params: Params, stage: StageParams) -> dict[str, str]:
    """What this profile sets, by the row of the reported table."""
    has_adapters = isinstance(stage, Stage2Params)
    settings = {
        "num_epochs": stage.epochs,
        "learning_rate": stage.learning_rate,
        "optimizer": "AdamW" if stage.weight_decay else "Adam",
        "weight_decay": stage.weight_decay,
        "warmup_ratio": stage.warmup_ratio,
        "lr_scheduler": "Cosine",
        "precision": params.model.dtype,
        "peft": "LoRA" if has_adapters else "None",
        "max_steps": stage.max_steps,
        "gradient_checkpointing": stage.activation_checkpointing != "none",
        "model_max_length": stage.max_length,
        "mm_projector_type": "mlp2x_gelu",
        "mm_vision_select_layer": -2,
    }
    if isinstance(stage, Stage2Params):
        settings |= {
            "lora_rank": stage.lora_r,
            "lora_alpha": stage.lora_alpha,
            "mm_projector_lr": stage.projector_learning_rate,
        }
    if isinstance(params.model.base, BaseParts):
        settings |= {"base_model": params.model.base.language_model, "vision_tower": params.model.base.vision_tower}
    return {name: str(value) for name, value in settings.items() if value is not None}
