"""Composition recipe: the parts of BiMed-V and the benchmarks to hold them against, as a profile names them.

Apart from ``recipe``, so that a change of the composition makes no training stale.
"""

from pathlib import Path

from transformers import AutoTokenizer

from bimedix2_core.data.compose.card import Origin
from bimedix2_core.data.compose.parts import PartFile, published_origin
from bimedix2_core.data.compose.recipe import scaled
from bimedix2_core.data.compose.statistics import CountTokens
from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.data.sources.catalogue import HUB
from bimedix2_core.demo import bimed_v
from bimedix2_core.demo.tiny_base import BASE_FOLDER
from bimedix2_core.errors import ParamsError
from bimedix2_core.paper import reported
from bimedix2_core.params import BaseParts, CompositionParams, Params, RandomBase, root
from bimedix2_core.records import Row

SOURCES = "sources"
"""Folder of the stand-ins that the project draws."""


def composition_parts(params: Params, folder: Path) -> list[PartFile]:
    """The parts of BiMed-V, of Table 12's sources: the files a profile names, or stand-ins that the project draws.

    Args:
        params: the profile.
        folder: takes the images below ``images``, and the stand-ins below ``sources``.

    Raises:
        ParamsError: the profile composes nothing.
    """
    settings, counts = _composing(params), _table12()
    named = {one: _location(place) for one, place in settings.sources.items() if one in counts}
    origins = {one: published_origin(one) for one in counts}
    if not settings.sources:
        named = bimed_v.write_sources(folder / SOURCES, scaled(counts, settings.share), seed=params.run.seed)
        origins = {one: Origin(f"{bimed_v.DRAWN} ({told.licence})", told.citation) for one, told in origins.items()}
    images = ImageStore(folder / "images")
    return [PartFile(one, place, images, settings.max_bad_rows, origins[one]) for one, place in named.items()]


def benchmark_rows(params: Params, images: ImageStore) -> dict[str, list[Row]]:
    """What training must not hold: the exam of notebook 09, and each source the profile names that is no part.

    Args:
        params: the profile; a source that Table 12 does not have, such as ``bimed_mbench``, is a benchmark.
        images: takes their images.

    Raises:
        DataError: a file is missing or is not of the published form.
        ParamsError: the profile composes nothing.
    """
    settings = _composing(params)
    rows = bimed_v.exam_rows(params.benchmarks.medical_vqa, images, seed=params.run.seed)
    for one, place in settings.sources.items():
        if one not in _table12():
            file = PartFile(one, _location(place), images, settings.max_bad_rows, published_origin(one))
            rows[one] = list(file.rows())
    return rows


def token_counter(params: Params) -> CountTokens:
    """Counts the tokens of texts with the tokenizer of the base, without special tokens."""
    base = params.model.base
    if base is None or isinstance(base, RandomBase):
        named = BASE_FOLDER
    else:
        named = base.language_model if isinstance(base, BaseParts) else str(root() / base)
    tokenizer = AutoTokenizer.from_pretrained(named)

    def count(texts: list[str]) -> list[int]:
        return [len(ids) for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]]

    return count


def _composing(params: Params) -> CompositionParams:
    if params.composition is None:
        raise ParamsError(
            f"profile {params.run.profile} composes nothing (composition is null); take one that does, such as demo, "
            "or leave out notebook 02"
        )
    return params.composition


def _table12() -> dict[str, int]:
    return {one: int(n) for one, n in reported.read("table12_bimed_v_composition").column("samples").items()}


def _location(place: str) -> str | Path:
    return place if place.startswith(HUB) else root() / place
