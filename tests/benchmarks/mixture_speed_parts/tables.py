"""Tables: what was counted and measured, as Markdown."""

from collections.abc import Mapping, Sequence

from bimedix2_core.model.mixture.bounds import Bound
from bimedix2_core.paper.audit import audit
from mixture_speed_parts.measured import LOOP, WIDE


def sizes(counted: Mapping[str, Bound]) -> str:
    """Weights of the measured models."""
    rows = [
        (name, f"{one.total:,}", f"{one.active:,}", f"{one.active / one.total:.1%}") for name, one in counted.items()
    ]
    return markdown(("model", "weights", "active for a token", "share"), rows)


def speeds(found: Mapping[str, Mapping[str, float]]) -> str:
    """Tokens a second, and how many times those of the dense model of the same total size."""
    columns = list(next(iter(found.values())))
    rows = [
        (name, *(f"{one[column]:,.0f} ({one[column] / found[WIDE][column]:.2f}x)" for column in columns))
        for name, one in found.items()
    ]
    return markdown(("model", *columns), rows)


def experts(seconds: Mapping[tuple[str, str, str], float]) -> str:
    """Two ways to compute experts, with and without adapters."""
    cases = [(adapters, direction) for way, adapters, direction in seconds if way == "loop"]
    rows = [
        (adapters, direction, *(f"{1e3 * seconds[way, adapters, direction]:,.0f}" for way in ("loop", "grouped")),
         f"{seconds['loop', adapters, direction] / seconds['grouped', adapters, direction]:.2f}x")
        for adapters, direction in cases
    ]  # fmt: skip
    return markdown(("adapters", "pass", "transformers' loop, ms", "grouped, ms", "grouped is faster"), rows)


def bounds(found: Mapping[str, Bound]) -> str:
    """True shapes."""
    rows = [
        (name, f"{one.total / 1e9:.2f}", f"{one.active / 1e9:.2f}", f"{one.flops / 1e9:.1f}",
         f"{one.bytes_read / 1e9:.1f}", f"{one.tokens_per_second:.0f}")
        for name, one in found.items()
    ]  # fmt: skip
    head = ("shape", "weights, 10^9", "active, 10^9", "GFLOP a token", "GB read a token", "tokens/s at most")
    return markdown(head, rows)


def claim(found: Mapping[str, Bound]) -> str:
    """The paper's claim of speed beside the bounds."""
    mixture, dense, _, large = found.values()
    stated = next(one for one in audit() if one.claim.id == "M03_eight_times_faster")
    return (
        f"The paper claims 8 times the speed of comparable models. {' '.join(stated.arithmetic)}: a secondary source, "
        "without hardware, batch or precision. By the bytes of single texts in bfloat16 the mixture may be "
        f"{mixture.tokens_per_second / dense.tokens_per_second:.1f} times as fast as the dense model of its own total "
        f"size, and {mixture.tokens_per_second / large.tokens_per_second:.1f} times as fast as a dense 70B."
    )


def page(header: Sequence[str], parts: Mapping[str, str]) -> str:
    """The whole file."""
    lines = [f"# {header[0]}", "", *(f"- {line}" for line in header[1:])]
    for title, text in parts.items():
        lines += ["", f"## {title}", "", text]
    return "\n".join(lines) + "\n"


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table."""
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])


LOOP_IS = f"`{LOOP}` is its own code, expert by expert (experts implementation `eager`)."
