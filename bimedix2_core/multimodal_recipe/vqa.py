"""Medical VQA as a profile names it: the three sets of Table 5, how they are asked, and the controls."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from bimedix2_core.bench.medical_vqa import (
    Protocol,
    image_of,
    prompt_key,
    protocol_named,
    query_of,
    text_only,
    wrong_image,
)
from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.data.sources import BadRows, read_source
from bimedix2_core.data.sources.catalogue import HUB, source_named
from bimedix2_core.demo.vqa_sets import SET_IDS, VqaFiles, write_vqa_sets
from bimedix2_core.paper.answered import Answered
from bimedix2_core.params import Params, VqaSetParams, root
from bimedix2_core.records import Query, Row
from bimedix2_core.respondents import Respondent, Written, texts_of
from bimedix2_core.runs import JsonlStore, content_key

NO_IMAGE, WRONG_IMAGE = CONTROLS = ("no image", "wrong image")


@dataclass(frozen=True)
class VqaSet:
    """One set of questions about images."""

    rows: tuple[Row, ...]
    """The test questions, in English."""
    arabic: tuple[Row, ...]
    """Their twins, where the project drew them; the published sets have none."""
    training: tuple[Row, ...]
    """Training questions with their images, which tell what is shared; none where they are not compared."""


@dataclass(frozen=True)
class VqaSets:
    """The sets of a profile by their id, and their images."""

    sets: Mapping[str, VqaSet]
    images: ImageStore

    def queries(self, protocol: Protocol, *, language: str = "en") -> dict[str, list[Query]]:
        """What a model is asked under a protocol, by set."""
        chosen = {name: one.rows if language == "en" else one.arabic for name, one in self.sets.items()}
        return {name: self._asked(rows, protocol) for name, rows in chosen.items() if rows}

    def control(self, name: str, protocol: Protocol, *, seed: int) -> dict[str, list[Query]]:
        """The English questions without their images, or each with the image of another, by set."""
        change = partial(wrong_image, seed=seed) if name == WRONG_IMAGE else text_only
        return {set_id: self._asked(change(one.rows), protocol) for set_id, one in self.sets.items()}

    def _asked(self, rows: Sequence[Row], protocol: Protocol) -> list[Query]:
        open_image = cache(self.images.open)  # once for all questions about an image
        return [query_of(row, protocol, open_image) for row in rows]


def protocols_of(params: Params) -> list[Protocol]:
    """The protocols of a profile, the paper's first."""
    return [protocol_named(name) for name in params.benchmarks.medical_vqa.protocols]


def plain_protocol() -> Protocol:
    """The question alone: what both languages can be asked in, and what gives nothing away."""
    return protocol_named("plain")


def control_texts(
    model: Respondent, asked: VqaSets, protocol: Protocol, *, store: JsonlStore, seed: int
) -> dict[str, dict[str, tuple[str, ...]]]:
    """What a model answers without the images, and with the images of other questions, by control and set."""
    backend = model.load()
    return {
        name: {
            set_id: tuple(texts_of(backend, queries, store=store))
            for set_id, queries in asked.control(name, protocol, seed=seed).items()
        }
        for name in CONTROLS
    }


def as_texts(written: Mapping[str, Mapping[str, Written]]) -> dict[str, dict[str, tuple[str, ...]]]:
    """The answers by row and set."""
    return {row: {name: one.texts for name, one in sets.items()} for row, sets in written.items()}


def as_answered(
    params: Params, asked: VqaSets, written: Mapping[str, Mapping[str, Written]], protocol: Protocol
) -> list[Answered]:
    """Each model, for its cells of Table 5."""
    rows = tuple(row for one in asked.sets.values() for row in one.rows)
    dataset = ", ".join(asked.sets)
    return [
        Answered(
            row,
            dataset if params.benchmarks.medical_vqa.sets else f"stand-ins of {dataset}",
            rows,
            prompt_key(protocol),
            _model_key(sets),
            {**next(iter(sets.values())).decoding, "protocol": protocol.id},
        )
        for row, sets in written.items()
    ]


def _model_key(sets: Mapping[str, Written]) -> str:
    """Of a model the same in each set; answers made elsewhere have a file for each."""
    keys = sorted({one.model_key for one in sets.values()})
    return keys[0] if len(keys) == 1 else content_key(keys)


def vqa_sets(params: Params, folder: Path) -> VqaSets:
    """The published sets that a profile names, or stand-ins that the project draws in their form.

    Args:
        params: the profile.
        folder: takes the images, and what is drawn.

    Raises:
        DataError: a set cannot be read, or an image is missing.
    """
    settings = params.benchmarks.medical_vqa
    images = ImageStore(folder / "vqa_images")
    if settings.sets:
        read = {name: _published(name, one, images, settings.n_per_set) for name, one in settings.sets.items()}
        return VqaSets(read, images)
    sizes = dict.fromkeys(SET_IDS, settings.n_per_set or 100)
    drawn = write_vqa_sets(folder / "vqa_drawn", sizes=sizes, seed=params.run.seed)
    return VqaSets({name: _drawn(name, files, images) for name, files in drawn.items()}, images)


def _drawn(name: str, files: VqaFiles, images: ImageStore) -> VqaSet:
    """A stand-in, which says so in the source of its rows."""
    arabic = replace(source_named(name), language="ar")
    parts = (
        _read(name, files.test, images=images, image_folder=files.images),
        tuple(arabic.read(files.arabic, bad_rows=BadRows(0), images=images, image_folder=files.images)),
        _read(name, files.train, images=images, image_folder=files.images),
    )
    said = f"{source_named(name).card.name}'s stand-in"
    return VqaSet(*(tuple(replace(row, source=said) for row in rows) for rows in parts))


def _published(name: str, place: VqaSetParams, images: ImageStore, n: int | None) -> VqaSet:
    kept = {"images": images, "image_folder": root() / place.images if place.images else None}
    rows = _read(name, _location(place.test), split="test", **kept)
    training = _read(name, _location(place.training), split="train", **kept) if place.training else ()
    return VqaSet(_whole_images(rows, n), (), training)


def _read(
    name: str,
    location: str | Path,
    *,
    images: ImageStore,
    image_folder: Path | None,
    split: str | None = None,
) -> tuple[Row, ...]:
    """All questions with their images; none may be unreadable."""
    return tuple(
        read_source(name, location, bad_rows=BadRows(0), images=images, image_folder=image_folder, split=split)
    )


def _location(place: str) -> str | Path:
    return place if place.startswith(HUB) else root() / place


def _whole_images(rows: Sequence[Row], n: int | None) -> tuple[Row, ...]:
    """At least so many questions: all of the images with the lowest hashes; None is all questions."""
    if n is None or len(rows) <= n:
        return tuple(rows)
    sizes = Counter(map(image_of, rows))
    kept: set[str] = set()
    n_kept = 0
    for image in sorted(sizes, key=content_key):
        if n_kept >= n:
            break
        kept.add(image)
        n_kept += sizes[image]
    return tuple(row for row in rows if image_of(row) in kept)
