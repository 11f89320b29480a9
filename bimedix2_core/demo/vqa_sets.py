"""VQA sets: stand-ins of Rad-VQA, SLAKE and Path-VQA in their published layouts, about phantoms, in both languages.

    held-out phantom -> open and closed questions -> test file, and its Arabic twin
                                                 -> training file, with some of the test set in it

The test questions are in the words that the grammar reserves (``held_out``). Answers are published as the sets publish
them: short, without a full stop, "yes" in Rad-VQA and Path-VQA and "Yes" in SLAKE; of the closed questions some are
answered by a side or a size, so that closed by label and closed by yes or no differ. Rad-VQA and SLAKE are about
radiological phantoms, Path-VQA about the others, and Path-VQA's files hold their images.

Odd on purpose, as in the published sets: SLAKE has Chinese rows; the training file has images of the test file,
questions word for word, and whole items. No model is trained on that file; it is there to be compared. The Arabic twin
is the project's own: the published sets have none. Nothing here is from a real set.
"""

import random
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bimedix2_core.data.words import words
from bimedix2_core.demo import corpus, stand_ins
from bimedix2_core.demo.corpus import RADIOLOGICAL, Twin
from bimedix2_core.demo.curriculum import TEST_SEEDS
from bimedix2_core.demo.phantoms import MODALITIES, Truth, draw
from bimedix2_core.demo.planted import png
from bimedix2_core.demo.record_files import write_json_list, write_parquet
from bimedix2_core.demo.stand_ins import Case, Record, ToRecords
from bimedix2_core.errors import DataError
from bimedix2_core.runs import write_atomic

VQA_SEEDS = TEST_SEEDS + 500_000
"""Image seeds of the sets begin here, `SEEDS_PER_SET` for each; no other set uses them."""
SEEDS_PER_SET = 100_000

PLANTED = 20
"""Of so many test questions one leaves its image in the training file, another its wording, and a third itself."""

TRAIN_TIMES = 2
"""Questions of the training file for each test question, those planted included."""

MOST_DRAWS = 60
"""Questions drawn on an image, of which as many different ones are kept as are wanted."""


FIRST_CHINESE = 1_000_000


@dataclass(frozen=True)
class Overlap:
    """How many English test questions share something with a question of the training file."""

    image: int
    """The same image file."""
    question: int
    """The same words, on whatever image."""
    triplet: int
    """Image, question and answer."""


@dataclass(frozen=True)
class VqaFiles:
    """What was written of one set."""

    test: Path
    train: Path
    arabic: Path
    """The twin of the test file: the same layout, ids and images, questions and answers in Arabic."""
    images: Path | None
    """Folder of the images; none where the files hold them."""
    overlap: Overlap
    """Counted in what was written; more than what was planted, since wordings and images recur."""


@dataclass(frozen=True)
class _Item:
    """One question on one image, in both languages."""

    id: int
    image: int
    """Number of the image."""
    truth: Truth
    twin: Twin


@dataclass(frozen=True)
class _Set:
    """How a set is made and kept."""

    modalities: tuple[str, ...]
    per_image: int
    """Questions on one image, about as many as in the published set."""
    to_records: ToRecords
    """The stand-in's record, of which `fields` replaces some."""
    fields: Callable[[_Item, str], Record]
    write: Callable[[Path, Sequence[Record]], Path]
    test: str
    train: str
    ending: str
    """Names of the files and their common ending."""
    holds_images: bool = False


def write_vqa_sets(folder: Path, *, sizes: Mapping[str, int], seed: int) -> dict[str, VqaFiles]:
    """Draw the sets and write each in its published format.

    Args:
        folder: one folder for each set.
        sizes: test questions in each language by set id, of `SET_IDS`; the training files have twice as many.
        seed: the same one gives the same files; another gives other images and questions.

    Raises:
        DataError: no such set, or no question is wanted of one.
    """
    for set_id, n in sizes.items():
        if set_id not in _SETS or n < 1:
            raise DataError(f"{n} questions of {set_id!r}; expected at least one of {', '.join(SET_IDS)}")
    return {set_id: _write(folder / set_id, set_id, n, seed=seed) for set_id, n in sizes.items()}


def _write(folder: Path, set_id: str, n: int, *, seed: int) -> VqaFiles:
    made, rng = _SETS[set_id], random.Random(f"{set_id} {seed}")
    test = _drawn(made, n, rng, held_out=True)
    train = _training(made, test, rng)
    first_seed = VQA_SEEDS + SEEDS_PER_SET * SET_IDS.index(set_id) + rng.randrange(SEEDS_PER_SET // 2)
    truths = {one.image: one.truth for one in [*test, *train]}
    cases = {number: _case(set_id, number, truth, first_seed) for number, truth in truths.items()}
    if not made.holds_images:
        for case in cases.values():
            write_atomic(folder / "images" / case.image, case.content)
    more = [_chinese(test, cases), _chinese(train, cases)] if set_id == "slake_vqa" else [[], []]
    return VqaFiles(
        made.write(folder / f"{made.test}{made.ending}", _records(made, test, cases, "en") + more[0]),
        made.write(folder / f"{made.train}{made.ending}", _records(made, train, cases, "en") + more[1]),
        made.write(folder / f"{made.test}.ar{made.ending}", _records(made, test, cases, "ar")),
        None if made.holds_images else folder / "images",
        _overlap(test, train),
    )


# --- questions --------------------------------------------------------------------------------------------------------


def _drawn(
    made: _Set, n: int, rng: random.Random, *, held_out: bool, first_image: int = 0, known: Container[str] = ()
) -> list[_Item]:
    """So many questions on as few images as that takes, none twice on one image, and none that is known."""
    items: list[_Item] = []
    image = first_image
    while len(items) < n:
        truth = _truth(made.modalities, rng)
        twins = _questions(truth, rng, held_out=held_out, known=known)[: min(made.per_image, n - len(items))]
        items += [_Item(number, image, truth, twin) for number, twin in enumerate(twins, start=len(items))]
        image += bool(twins)
    return items


def _training(made: _Set, test: Sequence[_Item], rng: random.Random) -> list[_Item]:
    """The training questions: those planted, each of another test question, then in words that no test question has."""
    n = max(1, len(test) // PLANTED)
    known = Counter(_said(one.twin)[0] for one in test)
    last = test[-1].image
    order = rng.sample(range(last + 1), last + 1)
    by_rarity = sorted(test, key=lambda one: known[_said(one.twin)[0]])
    near = sorted(test, key=lambda one: order[one.image])[: 3 * n]
    whole = [one for one in by_rarity if one in near][:n]
    reworded = [one for one in near if one not in whole][:n]
    moved = [one for one in by_rarity if one not in near][:n]
    planted = [*whole, *(replace(one, image=last + number) for number, one in enumerate(moved, start=1))]
    for one in reworded:
        planted += [replace(one, twin=twin) for twin in _questions(one.truth, rng, held_out=False, known=known)[:1]]
    n_own = TRAIN_TIMES * len(test) - len(planted)
    own = _drawn(made, n_own, rng, held_out=False, first_image=last + n + 1, known=known)
    return [replace(one, id=number) for number, one in enumerate([*planted, *own], start=len(test))]


def _truth(modalities: Sequence[str], rng: random.Random) -> Truth:
    truth = corpus.even_truth(rng)
    while truth.modality not in modalities:
        truth = corpus.even_truth(rng)
    return truth


def _questions(truth: Truth, rng: random.Random, *, held_out: bool, known: Container[str]) -> list[Twin]:
    """The different questions among many draws, those that are known left out."""
    draws = (_question(truth, rng, held_out=held_out) for _ in range(MOST_DRAWS))
    return list({_said(twin)[0]: twin for twin in draws if _said(twin)[0] not in known}.values())


def _question(truth: Truth, rng: random.Random, *, held_out: bool) -> Twin:
    """A question, as often closed as open."""
    if rng.random() < 0.5:
        kind = rng.choice(corpus.kinds("closed_question", truth))
        answer = rng.choice(corpus.closed_answers(truth, kind))
        return corpus.closed_question(truth, kind, answer, rng, held_out=held_out)
    return corpus.open_question(truth, rng.choice(corpus.kinds("open_question", truth)), rng, held_out=held_out)


def _said(twin: Twin, language: str = "en") -> tuple[str, str]:
    """Question, and answer without its full stop."""
    question, answer = twin.turns[language][0]
    return question, answer.removesuffix(".")


def _overlap(test: Sequence[_Item], train: Sequence[_Item]) -> Overlap:
    images, questions, triplets = (set(map(part, train)) for part in (_image, _wording, _triplet))
    return Overlap(
        sum(_image(one) in images for one in test),
        sum(_wording(one) in questions for one in test),
        sum(_triplet(one) in triplets for one in test),
    )


def _image(item: _Item) -> int:
    return item.image


def _wording(item: _Item) -> tuple[str, ...]:
    return tuple(words(_said(item.twin)[0]))


def _triplet(item: _Item) -> tuple[Any, ...]:
    return item.image, _wording(item), tuple(words(_said(item.twin)[1]))


# --- records ----------------------------------------------------------------------------------------------------------


def _case(set_id: str, number: int, truth: Truth, first_seed: int) -> Case:
    name = f"demo-{set_id}-{number:05d}.png"
    return Case(f"demo-{set_id}-{number}", truth, random.Random(number), name, png(draw(truth, first_seed + number)))


def _records(made: _Set, items: Iterable[_Item], cases: Mapping[int, Case], language: str) -> list[Record]:
    return [made.to_records(cases[one.image])[language] | made.fields(one, language) for one in items]


def _rad_vqa(item: _Item, language: str) -> Record:
    question, answer = _said(item.twin, language)
    of_modality, of_kind = _words()["modality"][item.truth.modality], _words()["kind"][item.twin.kind]
    return {
        "qid": item.id,
        "image_organ": of_modality["organ"],
        "modality": of_modality["modality"],
        "question": question,
        "answer": answer.lower(),
        "answer_type": _answer_type(item),
        "question_type": of_kind["question_type"],
    }


def _slake(item: _Item, language: str) -> Record:
    question, answer = _said(item.twin, language)
    of_modality, of_kind = _words()["modality"][item.truth.modality], _words()["kind"][item.twin.kind]
    return {
        "qid": item.id,
        "img_id": item.image,
        "question": question,
        "answer": answer,
        "answer_type": _answer_type(item),
        "content_type": of_kind["content_type"],
        "modality": of_modality["modality"],
        "location": of_modality["location"],
    }


def _path_vqa(item: _Item, language: str) -> Record:
    question, answer = _said(item.twin, language)
    return {"question": question, "answer": answer.lower()}


def _answer_type(item: _Item) -> str:
    return "CLOSED" if item.twin.task == "closed_question" else "OPEN"


def _chinese(items: Iterable[_Item], cases: Mapping[int, Case]) -> list[Record]:
    """SLAKE's Chinese rows on the images of these items; their ids are far above all others."""
    asked = _words()["chinese"]
    found = []
    for item in {one.image: one for one in items}.values():
        record = stand_ins.slake(cases[item.image])["en"] | _slake(item, "en")
        for number, text in enumerate(asked, start=FIRST_CHINESE + len(asked) * item.image):
            said = {"question": text["question"], "answer": text[item.truth.modality], "answer_type": "OPEN"}
            found.append(record | said | {"q_lang": "zh", "content_type": text["content_type"], "qid": number})
    return found


@cache
def _words() -> dict[str, Any]:
    return yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))


_OTHERS = tuple(modality for modality in MODALITIES if modality not in RADIOLOGICAL)

_SETS = {
    "rad_vqa": _Set(RADIOLOGICAL, 2, stand_ins.rad_vqa, _rad_vqa, write_json_list, "testset", "trainset", ".json"),
    "slake_vqa": _Set(RADIOLOGICAL, 11, stand_ins.slake, _slake, write_json_list, "test", "train", ".json"),
    "path_vqa": _Set(_OTHERS, 8, stand_ins.path_vqa, _path_vqa, write_parquet, "test", "train", ".parquet",
                     holds_images=True),
}  # fmt: skip

SET_IDS = tuple(_SETS)
"""The sets, named like the sources that read them."""
