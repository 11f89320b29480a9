"""Tables: what was measured, and whether the figures of issue 7 are met, as Markdown."""

from gpu_training_parts.data import BIMED_V, PAIRS

NEMO_TOKENS, NEMO_MFU = 12_473, 0.406
"""Llama3-8B LoRA on one H100, NeMo AutoModel's performance summary (shared/notes/training.md, section 4)."""
WANTED_TOKENS, WANTED_MFU, WANTED_SPEEDUP = 17_000, 0.50, 3.0
"""Issue 7."""

BASELINE = ("Stage 2", "HF Trainer, padded, checkpointed, full logits")
BEST = ("Stage 2", "+ shared images")
NEMO_LINE = ("NeMo's shape", "rank 16, 2 x 4096 tokens")
STAGE1_LINE = ("Stage 1", "settings of the line above NeMo's")

COLUMNS = {
    "useful tokens/s": ",.0f", "samples/s": ",.2f", "MFU counted": ".1%", "MFU 4N": ".1%", "padding": ".1%",
    "s/step": ".2f", "steps": "d", "spread": ".1%", "row": "d", "memory GB": ".1f", "planned GB": ".1f", "loss": ".4f",
}  # fmt: skip

Found = dict[tuple[str, str], dict]
"""What each line measured, by part and name."""


def markdown(header: dict, found: Found, *, on_gpu: bool) -> str:
    """All tables."""
    columns = ["part", "line", *COLUMNS, "planned / measured", "loss - HF's"]
    hf = found.get(BASELINE, {}).get("loss")
    timed = [cells(*line, one, hf) for line, one in found.items() if "samples/s" in one]
    others = [f"- {', '.join(line)}: {words(one)}" for line, one in found.items() if "samples/s" not in one]
    about = "Logits are computed where labels are in all lines but the first; samples/s compare lines of Stage 2."
    head = [row(columns), row(["---"] * len(columns))]
    return "\n".join([words(header), "", about, "", *head, *timed, "", *others, "", *figures(found, on_gpu=on_gpu)])


def cells(part: str, name: str, one: dict, hf: float | None) -> str:
    """A line of the large table."""
    values = [format(one[key], form) if one.get(key) is not None else "-" for key, form in COLUMNS.items()]
    planned, measured = one.get("planned GB"), one.get("memory GB")
    values.append(f"{planned / measured - 1:+.0%}" if planned and measured else "-")
    values.append(f"{one['loss'] - hf:+.1e}" if hf is not None and part in ("Stage 2", "aside") else "-")
    return row([part, name, *values])


def figures(found: Found, *, on_gpu: bool) -> list[str]:
    """The figures of issue 7, each met or not, and the hours that follow; on a CPU none of it is said."""
    best, hf, nemo = (found.get(line, {}) for line in (BEST, BASELINE, NEMO_LINE))
    speedup = best["samples/s"] / hf["samples/s"] if "samples/s" in best and "samples/s" in hf else None
    asked = [
        ("Stage 2 without fp8: MFU 4N", WANTED_MFU, best.get("MFU 4N"), ".1%"),
        ("Stage 2 without fp8: useful tokens/s", WANTED_TOKENS, best.get("useful tokens/s"), ",.0f"),
        ("samples/s over HF Trainer's", WANTED_SPEEDUP, speedup, ".2f"),
        ("NeMo's shape: tokens/s", NEMO_TOKENS, nemo.get("useful tokens/s"), ",.0f"),
        ("NeMo's shape: MFU counted", NEMO_MFU, nemo.get("MFU counted"), ".1%"),
    ]
    told = [row(["figure of issue 7", "at least", "measured"]), row(["---"] * 3)]
    for what, wanted, measured, form in asked:
        said = "not run"
        if measured is not None and on_gpu:
            said = f"{measured:{form}} **{'met' if measured >= wanted else 'NOT MET'}**"
        told.append(row([what, format(wanted, form), said]))
    for line, n_samples in ((STAGE1_LINE, PAIRS), (BEST, BIMED_V.samples)):
        if on_gpu and "samples/s" in found.get(line, {}):
            told += ["", f"The whole of {line[0]}, {n_samples:,} samples: {hours(n_samples, found[line]):,.1f} hours"]
    return told


def hours(n_samples: int, found: dict) -> float:
    """Of so many samples at this speed, padding of real steps included."""
    return n_samples / found["samples/s"] / 3600 * (1 - found["padding"]) / (1 - found["plan padding"])


def row(values: list[str]) -> str:
    """Cells of a table."""
    return f"| {' | '.join(values)} |"


def words(values: dict) -> str:
    """Names with their values."""
    return "; ".join(f"{name} {one:.3g}" if isinstance(one, float) else f"{name} {one}" for name, one in values.items())
