"""Text: a plan as a reader of a terminal sees it."""

from collections.abc import Iterable

from bimedix2_core.model.shapes import PHI_3_5_VISION, THE_4B
from bimedix2_core.plan import quantities as q
from bimedix2_core.plan.estimates import amount, billions
from bimedix2_core.plan.needs import Credential, Download
from bimedix2_core.plan.planned import NotebookPlan, Plan


def text_of(plan: Plan) -> str:
    """The whole plan: notebooks, sums, downloads, keys, what is missing, and what was looked up or assumed for it."""
    return "\n\n".join([
        f"plan of profile {plan.profile} ({plan.kind}); nothing is run",
        _section("notebooks", [line for one in plan.notebooks for line in _notebook(one)]),
        _section("together, notebooks that are not written yet included", _sums(plan)),
        _section("downloads", [_download(one) for one in plan.downloads] or ["none"]),
        _section("accounts and keys", [_key(one) for one in plan.credentials] or ["none"]),
        _section("missing here", list(plan.missing) or ["nothing"]),
        _section("looked up or assumed", _quantities()),
        f"{THE_4B} {billions(PHI_3_5_VISION)} weights, says the model card of its base.",
    ])  # fmt: skip


def _section(title: str, lines: Iterable[str]) -> str:
    return "\n".join([title, *(f"  {line}" for line in lines)])


def _notebook(one: NotebookPlan) -> list[str]:
    scope = one.scope
    lines = [f"{'run ' if scope.runs else '-   '}{scope.notebook.name}: {scope.why}"]
    exhibits = ", ".join(item.label for item in scope.exhibits)
    lines += [f"      exhibits: {exhibits}"] * bool(exhibits)
    lines += [f"      memory: {memory}" for memory in one.memories]
    lines += [f"      time: {hours}" for hours in one.hours]
    lines += [f"      judge: {cost}" for cost in one.judge]
    return lines


def _sums(plan: Plan) -> list[str]:
    data = ", and the data, whose size is not stated" if any(one.size is None for one in plan.downloads) else ""
    memory = amount(plan.memory.value, "GB in one card, or of the CPU") if plan.memory else "not known for this model"
    return [
        f"memory: {memory}",
        f"disk: {plan.disk}{data}",
        f"time: {plan.hours()}; of it in notebooks that would run now {amount(plan.hours(now=True).value, 'h')}; "
        "drawing phantoms and asking about them is not counted",
        f"judge: {plan.judge()}; of it now {amount(plan.judge(now=True).value, 'USD')}",
    ]


def _download(one: Download) -> str:
    size = str(one.size) if one.size else "size not stated"
    return f"{one.name}: {size}; licence: {one.licence}{'; gated, access is asked for' if one.is_gated else ''}"


def _key(one: Credential) -> str:
    return f"{one.what}: environment variable {one.variable}" if one.variable else one.what


def _quantities() -> list[str]:
    numbers = [value for value in vars(q).values() if isinstance(value, q.Quantity)]
    prices = [f"{name}: {price.read:.2f} USD per million tokens read, {price.written:.2f} written; {price.source}"
              for name, price in q.PRICES.items()]  # fmt: skip
    return [f"{_number(one.value)} {one.unit}; {one.source}" for one in numbers] + prices


def _number(value: float) -> str:
    return f"{value:.3g}" if value >= 1e7 or value < 1 else f"{value:,.0f}"
