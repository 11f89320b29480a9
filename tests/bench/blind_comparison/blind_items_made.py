"""Small items for the tests of the blind comparison; models and texts are made up."""

from bimedix2_core.bench.blind_comparison.items import BlindItem

MODELS = ("alphamed", "betamed", "gammamed")


def item(number: int, *, language: str = "en", cluster: str = "", **answers: str) -> BlindItem:
    said = {model: f"{model[0]} says {number}." for model in MODELS} | answers
    return BlindItem(f"id-{number}", language, cluster or f"image-{number}", f"Question {number}?", "The truth.", said)


def items(n: int, *, language: str = "en") -> list[BlindItem]:
    return [item(number, language=language) for number in range(n)]
