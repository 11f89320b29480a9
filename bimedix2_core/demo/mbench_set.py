"""BiMed-MBench's stand-in: questions about held-out phantoms in the two published files, their images and their truths.

    truth -> about three short questions, a description, a caption and mentions -> English record, Arabic record

An image has three questions in conversation (every seventh image two) and one description, so that fifty images have
143 and 50, as published; the five domains have about the published shares. The questions are in the words that the
grammar reserves (``held_out``): what is the finding, where, how large, what kind of image, is there such a finding.

What is odd in the published files is odd here, on purpose: all conversations come first; the first and the last image
carry two domain flags each, though such a phantom shows its first domain only; one image in fourteen has no mention in
its article (null in the English file, "" in the Arabic one); in the Arabic file the mentions of one image stayed
English, and most descriptions have their `type` translated, in two ways.

Source: shared/notes/formats.md; shared/paper/facts.md, sections 8.1 and 9 (defects 5 and 11).
"""

import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

from bimedix2_core.data.sources.benchmarks import KINDS
from bimedix2_core.demo import corpus
from bimedix2_core.demo.corpus import Twin
from bimedix2_core.demo.curriculum import TEST_SEEDS
from bimedix2_core.demo.phantoms import FINDINGS, SIDES, SIZES, Truth, draw
from bimedix2_core.demo.planted import png
from bimedix2_core.errors import DataError
from bimedix2_core.runs import json_lines, write_atomic

MBENCH_SEEDS = TEST_SEEDS + 400_000
"""Image seeds of the set are drawn from the 100,000 that begin here; no other set uses them."""

DOMAINS = {"cxr": "chest_xray", "mri": "mri", "histology": "histology", "gross": "gross", "ct": "ct_scan"}
"""Modality to domain flag, in the order in which the first flag that is set decides an item's domain."""

FIGURES = {"cxr": 10, "mri": 10, "histology": 11, "gross": 9, "ct": 10}
"""Descriptions, and so figures, of each domain in the published set."""

SECOND_DOMAIN = {"histology": "gross", "cxr": "ct_scan"}
"""The flag that the first image (histology) and the last image (chest X-ray) carry besides their own."""

SHORTER, UNMENTIONED = 7, 14
"""Every so many images one has two questions instead of three; every so many one has no mention."""

LEFT_ENGLISH = 1
"""Number of the image whose mentions the Arabic file has in English."""

_FIGURE = {"en": "Figure", "ar": "\u0627\u0644\u0634\u0643\u0644"}

Texts = dict[str, str]
"""One text by language."""


@dataclass(frozen=True)
class MbenchFiles:
    """What was written."""

    english: Path
    arabic: Path
    images: Path
    """Folder of the PNG files that the records name."""
    truths: Path
    """JSON: what each image shows, by its name; for the rubric, never for a model."""


@dataclass(frozen=True)
class _Figure:
    """One image and all that is said of it."""

    number: int
    truth: Truth
    second_domain: str
    questions: tuple[Twin, ...]
    description: Twin
    caption: Twin
    mentions: tuple[Texts, ...]

    @property
    def name(self) -> str:
        return f"demo{self.number:04d}_F1.png"


def write_mbench(folder: Path, *, n_images: int, seed: int) -> MbenchFiles:
    """Draw the set and write it in the published formats.

    Args:
        folder: takes the two question files, the truths and a folder of images.
        n_images: with about four questions each, in each language.
        seed: the same one gives the same files; another gives other images and questions.

    Raises:
        DataError: fewer images than domains.
    """
    rng = random.Random(f"mbench {seed}")
    figures = _figures(n_images, rng)
    image_seeds = rng.sample(range(MBENCH_SEEDS, MBENCH_SEEDS + 100_000), n_images)
    files = MbenchFiles(
        folder / "questions.jsonl", folder / "questions_arabic.jsonl", folder / "images", folder / "truths.json"
    )
    for figure, image_seed in zip(figures, image_seeds, strict=True):
        write_atomic(files.images / figure.name, png(draw(figure.truth, image_seed)))
    write_atomic(files.truths, json.dumps({one.name: asdict(one.truth) for one in figures}, indent=1) + "\n")
    write_atomic(files.english, json_lines(_english(figures)))
    write_atomic(files.arabic, json_lines(_arabic(figures)))
    return files


def read_truths(file: Path) -> dict[str, Truth]:
    """What each image shows, by its name, as `write_mbench` wrote it.

    Raises:
        DataError: there is no such file.
    """
    if not file.is_file():
        raise DataError(f"{file.name}: no truths there; only a set that `write_mbench` drew has them")
    return {name: Truth(**truth) for name, truth in json.loads(file.read_text(encoding="utf-8")).items()}


# --- what is drawn ----------------------------------------------------------------------------------------------------


def _figures(n_images: int, rng: random.Random) -> list[_Figure]:
    truths = _truths(n_images, rng)
    said: Counter[str] = Counter()
    figures = []
    for number, truth in enumerate(truths):
        n_questions = 2 if number % SHORTER == SHORTER - 1 else 3
        at_an_end = number in (0, n_images - 1)
        n_mentions = 0 if number % UNMENTIONED == UNMENTIONED // 4 else rng.choice((1, 2))
        figures.append(
            _Figure(
                number,
                truth,
                SECOND_DOMAIN[truth.modality] if at_an_end else "",
                _questions(truth, n_questions, said, rng),
                corpus.description(truth, rng, held_out=True),
                corpus.caption(truth, rng, held_out=False),
                tuple(corpus.story(truth, rng, held_out=False) for _ in range(n_mentions)),
            )
        )
    return figures


def _truths(n_images: int, rng: random.Random) -> list[Truth]:
    """Records in the order of the images: histology first, a chest X-ray last, the others mixed."""
    drawn = [truth for modality, n in _shares(n_images).items() for truth in _of_modality(modality, n, rng)]
    rng.shuffle(drawn)
    first = next(truth for truth in drawn if truth.modality == "histology")
    drawn.remove(first)
    last = next(truth for truth in drawn if truth.modality == "cxr")
    drawn.remove(last)
    return [first, *drawn, last]


def _shares(n_images: int) -> dict[str, int]:
    """Images of each domain, one at least, by largest remainder of the published shares."""
    if n_images < len(FIGURES):
        raise DataError(f"n_images is {n_images}; expected at least {len(FIGURES)}, one of each domain")
    exact = {modality: n_images * n / sum(FIGURES.values()) for modality, n in FIGURES.items()}
    counts = {modality: max(1, int(share)) for modality, share in exact.items()}
    by_remainder = sorted(exact, key=lambda modality: counts[modality] - exact[modality])
    for modality in by_remainder[: n_images - sum(counts.values())]:
        counts[modality] += 1
    return counts


def _of_modality(modality: str, n: int, rng: random.Random) -> list[Truth]:
    """So many records, each finding as often as any other but one."""
    findings: list[str] = []
    while len(findings) < n:
        findings += rng.sample(list(FINDINGS[modality]), len(FINDINGS[modality]))
    return [_record(modality, finding, rng) for finding in findings[:n]]


def _record(modality: str, finding: str, rng: random.Random) -> Truth:
    traits = FINDINGS[modality][finding]
    side = rng.choice(SIDES) if traits.has_side else ""
    return Truth(modality, finding, side, rng.choice(SIZES) if traits.has_size else "")


def _questions(truth: Truth, n: int, said: Counter[str], rng: random.Random) -> tuple[Twin, ...]:
    """Short questions of different kinds; yes and no are kept even over the whole set, as far as the truths allow."""
    kinds = [kind for kind in ("finding", "modality", "side", "size") if kind in corpus.kinds("open_question", truth)]
    twins = []
    for kind in rng.sample([*kinds, "yes_no"], n):
        if kind == "yes_no":
            answer = min(corpus.closed_answers(truth, "finding"), key=lambda one: said[one])
            said[answer] += 1
            twins.append(corpus.closed_question(truth, "finding", answer, rng, held_out=True))
        else:
            twins.append(corpus.open_question(truth, kind, rng, held_out=True))
    return tuple(twins)


# --- what is written --------------------------------------------------------------------------------------------------

Record = dict[str, Any]


def _english(figures: Sequence[_Figure]) -> list[Record]:
    return [_record_of(number, kind, figure, twin, "en") for number, kind, figure, twin in _items(figures)]


def _arabic(figures: Sequence[_Figure]) -> list[Record]:
    """The twins, with the extra fields of the published Arabic file and its translated types."""
    types = cycle([published for published, kind in KINDS.items() if kind == "detailed_description"])
    records = []
    for number, kind, figure, twin in _items(figures):
        record = _record_of(number, kind, figure, twin, "ar")
        record["in_text_mention"] = record["in_text_mention"] or ""
        tokens = [mention["tokens"] for mention in record["in_text_mention"]] or ""
        record |= {"qid": number, "in_text_mention_tokens": tokens}
        records.append(record | ({"type": next(types)} if kind == "detailed_description" else {}))
    return records


def _items(figures: Sequence[_Figure]) -> list[tuple[int, str, _Figure, Twin]]:
    """Number, type, figure and question of each item: all conversations, then all descriptions."""
    asked = [("conversation", figure, twin) for figure in figures for twin in figure.questions]
    asked += [("detailed_description", figure, figure.description) for figure in figures]
    return [(number, *item) for number, item in enumerate(asked)]


def _record_of(number: int, kind: str, figure: _Figure, twin: Twin, language: str) -> Record:
    question, answer = twin.turns[language][0]
    told = "en" if figure.number == LEFT_ENGLISH else language
    flags = {DOMAINS[figure.truth.modality], figure.second_domain}
    return {
        "question_id": number,
        "image": figure.name,
        "pair_id": Path(figure.name).stem,
        "text": question,
        "gpt4_answer": answer,
        "fig_caption": figure.caption.turns[language][0][1],
        "fig_label": f"{_FIGURE[language]} 1",
        "in_text_mention": [{"tokens": mention[told]} for mention in figure.mentions] or None,
        "domain": {domain: domain in flags for domain in DOMAINS.values()},
        "type": kind,
    }
