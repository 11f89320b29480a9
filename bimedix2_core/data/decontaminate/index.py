"""Index: all benchmarks in memory, asked by one training row at a time.

A pair of a row and a benchmark item is of one kind, the first that applies. "The same" is always after `text.words`.

    image_question_answer   the same image, question and answer
    image_question          the same image and question
    image                   the same image: equal bytes, or perceptual hashes that differ in at most 4 of 64 bits
    question_answer         a question without image: the same, with the same context, or (where one of the two shows
                            none) with the same answer or the same options in any order
    ngram                   a question without image: 13 of its words in a row, or all its 8 to 12 words, stand in
                            one turn of the row
    context                 13 words in a row of what the item shows to answer from (abstract, case, caption) do
    question                the same question, and nothing else

The last is no leak: "Is there a fracture?" is asked everywhere. A question about an image, however long, says little
without its image; so it is never looked for by its words.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bimedix2_core.data.decontaminate.images import HashIndex, ImageHashes
from bimedix2_core.data.decontaminate.overlap import Overlaps
from bimedix2_core.data.decontaminate.text import Asked, key_of, questions_of
from bimedix2_core.data.words import words
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row, n_images, text_of
from bimedix2_core.runs import content_key

KINDS = ("image_question_answer", "image_question", "image", "question_answer", "ngram", "context", "question")
"""From the strongest to the weakest."""

LEAKS = KINDS[:-1]
"""The kinds that make a row or an item unclean, unless the settings name others."""

NO_HASHES = ImageHashes({}, frozenset())


@dataclass(frozen=True)
class Settings:
    """What counts as a match; each default with its source."""

    n: int = 13
    """Words of a run: GPT-3 (arXiv 2005.14165, appendix C, its largest N) and lm-eval's janitor; datatrove has 12."""
    shortest: int = 8
    """Fewest words of a question that counts as a whole: GPT-3's smallest N; open-r1's N."""
    common: int = 10
    """A run that more questions and contexts than this share is boilerplate: GPT-3 ignores 13-grams that more than 10
    training documents hold. Here the benchmarks are counted, for the training rows stream."""
    distance: int = 4
    """Bits of 64 in which the perceptual hashes of one picture may differ: shared/notes/training.md, section 9."""
    context_facts: tuple[str, ...] = ("fig_caption",)
    """Facts of an item that hold context which its turns do not show: the caption that BiMed-MBench's judge sees."""
    leaks: tuple[str, ...] = LEAKS
    """The kinds that make a row or an item unclean."""

    def __post_init__(self) -> None:
        unknown = set(self.leaks) - set(KINDS)
        if unknown:
            raise DataError(f"leaks names {', '.join(sorted(unknown))}; the kinds are {', '.join(KINDS)}")
        if not 1 <= self.shortest <= self.n:
            raise DataError(f"shortest is {self.shortest} and n is {self.n}; expected 1 <= shortest <= n")


@dataclass(frozen=True)
class Match:
    """A benchmark item that a row touches, and how."""

    kind: str
    benchmark: str
    benchmark_id: str
    language: str
    """Of the item: English and Arabic twins share an id."""
    detail: str
    """The words or the image that match."""


@dataclass(frozen=True)
class Item:
    """What is kept of a benchmark item."""

    benchmark: str
    id: str
    language: str
    has_image: bool
    asked: Asked


ImageIds = Callable[[Row], tuple[str, ...]]


def image_ids(row: Row) -> tuple[str, ...]:
    """The content keys of a row's images; without them, its source and the published name in its fact ``image``."""
    if row.images or "image" not in row.facts:
        return row.images
    return (f"{row.source}/{row.facts['image']}",)


class Index:
    """All benchmark items, ready to be asked. Made by `Index.build`; the benchmarks are held, training rows are not."""

    def __init__(self, settings: Settings, image_ids: ImageIds, hashes: ImageHashes) -> None:
        self.settings = settings
        self.items: list[Item] = []
        self.benchmark_keys: dict[str, str] = {}
        """Content key of the rows of each benchmark."""
        self._image_ids = image_ids
        self._hashes = hashes
        self._by_question: dict[str, list[int]] = defaultdict(list)
        self._by_image: dict[str, list[int]] = defaultdict(list)

    @classmethod
    def build(
        cls,
        benchmarks: Mapping[str, Iterable[Row]],
        *,
        image_hashes: ImageHashes = NO_HASHES,
        image_ids: ImageIds = image_ids,
        settings: Settings | None = None,
    ) -> "Index":
        """Read all benchmarks.

        Args:
            benchmarks: the rows of each, by name; the last user turn of a row is the question.
            image_hashes: of the images of benchmarks and training rows alike, by the ids that `image_ids` gives.
                An image without one is compared by its id alone; a flat one is not compared.
            image_ids: names the images of a row so that equal names are equal images.
            settings: what counts as a match.

        Raises:
            DataError: a benchmark has two items of one id and language, or an item without a user turn.
        """
        index = cls(settings or Settings(), image_ids, image_hashes)
        for benchmark, rows in benchmarks.items():
            index._add(benchmark, list(rows))
        index._finish()
        return index

    def check(self, row: Row) -> list[Match]:
        """The benchmark items that a training row touches, one match each, in the order of the benchmarks."""
        found: dict[int, tuple[str, str]] = {}
        same_image = self._same_image(row)
        for item, detail in same_image.items():
            _keep(found, item, "image", detail)
        for asked in questions_of(row, self.settings.context_facts):
            for item in self._by_question.get(key_of(asked.question), ()):
                kind = _kind(self.items[item], asked, same_image=item in same_image)
                _keep(found, item, kind, " ".join(asked.question))
        for turn in row.messages:
            for number, run in self._overlaps.shared_with(words(text_of(turn))):
                part, items = self._texts[number]
                for item in items:
                    _keep(found, item, part, run)
        return [self._match(item, *found[item]) for item in sorted(found)]

    def is_clean(self, matches: Iterable[Match]) -> bool:
        """Whether none of the matches is a leak."""
        return not any(match.kind in self.settings.leaks for match in matches)

    def summary(self) -> dict[str, Any]:
        """Sizes of what is held."""
        return {
            "items": len(self.items),
            "questions": len(self._by_question),
            "images": len(self._by_image),
            "runs": len(self._overlaps),
            "runs_left_out_as_common": self._overlaps.n_common,
            "flat_images_left_out": len(self._hashes.flat),
        }

    def _add(self, benchmark: str, rows: list[Row]) -> None:
        seen = set()
        for row in rows:
            if (row.id, row.language) in seen:
                raise DataError(f"{benchmark}: two items with id {row.id!r} and language {row.language!r}; number them")
            seen.add((row.id, row.language))
            asked = questions_of(row, self.settings.context_facts)
            if not asked:
                raise DataError(f"{benchmark}: item {row.id!r} has no user turn, so no question to look for")
            number = len(self.items)
            images = self._image_ids(row)
            has_image = bool(images or n_images(row.messages))
            self.items.append(Item(benchmark, row.id, row.language, has_image, asked[-1]))
            if key := key_of(asked[-1].question):
                self._by_question[key].append(number)
            for image in self._compared_images(row):
                self._by_image[image].append(number)
        self.benchmark_keys[benchmark] = content_key([content_key(row.as_json()) for row in rows])

    def _finish(self) -> None:
        """Index runs of words and perceptual hashes, now that all texts and images are known."""
        texts: dict[tuple[str, tuple[str, ...]], list[int]] = defaultdict(list)
        for number, item in enumerate(self.items):
            if not item.has_image:
                texts["ngram", item.asked.question].append(number)
            texts["context", item.asked.context].append(number)
        self._texts = [(part, items) for (part, _), items in texts.items()]
        self._overlaps = Overlaps(
            ((text, part == "ngram") for part, text in texts),
            n=self.settings.n,
            shortest=self.settings.shortest,
            common=self.settings.common,
        )
        known = {image: self._hashes.hashes[image] for image in self._by_image if image in self._hashes.hashes}
        self._near = HashIndex(known, most=self.settings.distance)

    def _compared_images(self, row: Row) -> list[str]:
        return [image for image in self._image_ids(row) if image not in self._hashes.flat]

    def _same_image(self, row: Row) -> dict[int, str]:
        """Items that ask about an image of the row, with how it is known."""
        found = {}
        for image in self._compared_images(row):
            for item in self._by_image.get(image, ()):
                found[item] = f"image {image}"
            value = self._hashes.hashes.get(image)
            for near in self._near.near(value) if value is not None else ():
                for item in self._by_image[near.image]:
                    found.setdefault(item, f"image {near.image}, {near.distance} of 64 bits differ")
        return found

    def _match(self, number: int, kind: str, detail: str) -> Match:
        item = self.items[number]
        return Match(kind, item.benchmark, item.id, item.language, detail)


def _kind(item: Item, asked: Asked, *, same_image: bool) -> str:
    """The kind of a row that asks an item's question."""
    its = item.asked
    same_answer = bool(its.answers & asked.answers)
    if item.has_image:
        return ("image_question_answer" if same_answer else "image_question") if same_image else "question"
    if its.context and asked.context:  # "Which is the most likely diagnosis?" of another patient is another question
        return "question_answer" if its.context == asked.context else "question"
    same_options = bool(asked.options) and its.options == asked.options
    return "question_answer" if same_answer or same_options else "question"


def _keep(found: dict[int, tuple[str, str]], item: int, kind: str, detail: str) -> None:
    """Keep the stronger of what is known of an item and this."""
    if item not in found or KINDS.index(kind) < KINDS.index(found[item][0]):
        found[item] = (kind, detail)
