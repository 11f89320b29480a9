"""BiMed-MBench in its published schema and its published proportions, with made-up texts, and judged answers.

shared/notes/formats.md, "LLaVA-Med visual-chat questions"; shared/paper/facts.md, 8.1 (counts), 9 (defects 5 and 11).
"""

import json
import tempfile
from functools import cache
from pathlib import Path

from PIL import Image

from bimedix2_core.bench.mbench import Judged, read
from bimedix2_core.records import Row

FLAGS = ("chest_xray", "mri", "histology", "gross", "ct_scan")
TRANSLATED = ("وصف تفصيلي", "وصف مفصل")

IMAGES = (
    [("histology", "gross")] + [("chest_xray",)] * 9 + [("mri",)] * 10 + [("histology",)] * 10
    + [("gross",)] * 9 + [("ct_scan",)] * 10 + [("chest_xray", "ct_scan")]
)  # fmt: skip
"""Domains of the 50 figures; each has one description, in this order."""

CONVERSATIONS = {
    ("histology", "gross"): 3, ("chest_xray",): 24, ("mri",): 28, ("histology",): 30, ("gross",): 25, ("ct_scan",): 30,
    ("chest_xray", "ct_scan"): 3,
}  # fmt: skip
"""Conversation questions by the domains of their figure, in the order of the file: 143."""

WITHOUT_MENTION = range(20, 34)
LEFT_IN_ENGLISH = (7, 161)


def records(language: str = "en") -> list[dict]:
    """The 193 rows of a file."""
    asked = [(image, "conversation") for image in _images_of_conversations()]
    asked += [(image, "detailed_description") for image in range(50)]
    return [_record(id, image, kind, language) for id, (image, kind) in enumerate(asked)]


def _images_of_conversations() -> list[int]:
    """The figures of a domain in turn."""
    found = []
    for domains, n in CONVERSATIONS.items():
        own = [index for index, flags in enumerate(IMAGES) if flags == domains]
        found += sorted(own[index % len(own)] for index in range(n))
    return found


def _record(id: int, image: int, kind: str, language: str) -> dict:
    is_arabic = language == "ar"
    mention = "The lesion is seen in figure 1." if id in LEFT_IN_ENGLISH or not is_arabic else "تظهر الآفة في الشكل."
    mentions = [{"tokens": mention, "entities": [{"type": "figure", "entity_id": "1"}]}]
    if id in WITHOUT_MENTION:
        mentions = "" if is_arabic else None
    return {
        "question_id": id,
        "image": f"1000{image:02}_F1.jpg",
        "pair_id": f"1000{image:02}_F1",
        "text": f"ما الذي يظهر، سؤال {id}؟" if is_arabic else f"What is seen, question {id}?",
        "gpt4_answer": f"آفة، جواب {id}." if is_arabic else f"A lesion, answer {id}.",
        "fig_caption": "صورة فيها آفة." if is_arabic else "A picture with a lesion.",
        "in_text_mention": mentions,
        "domain": {name: name in IMAGES[image] for name in FLAGS},
        "type": _type(id, kind) if is_arabic else kind,
        "fig_label": "الشكل 1" if is_arabic else "Figure 1",
    } | ({"qid": id, "in_text_mention_tokens": ""} if is_arabic else {})


def _type(id: int, kind: str) -> str:
    """As in the Arabic file: of 50 descriptions 14 keep the label, 20 and 16 have it translated in two ways."""
    place = id - 143
    if place < 14:
        return kind
    return TRANSLATED[0] if place < 34 else TRANSLATED[1]


def written(file: Path, lines: list[dict]) -> Path:
    file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return file


def files(folder: Path) -> dict[str, Path]:
    """Both published files."""
    return {language: written(folder / f"{language}.jsonl", records(language)) for language in ("en", "ar")}


def figures(folder: Path) -> Path:
    """The 50 figures, each of another grey."""
    folder.mkdir()
    for index in range(50):
        Image.new("L", (8, 8), index * 5).save(folder / f"1000{index:02}_F1.jpg")
    return folder


@cache
def rows() -> tuple[Row, ...]:
    """All 386 questions, English before Arabic; read once."""
    with tempfile.TemporaryDirectory() as folder:
        return read(files(Path(folder))).rows


def scored(row: Row, reference: float | None, answer: float | None, **more) -> Judged:
    """An answer and its two scores."""
    problem = "" if reference is not None else "no number on the first line: 'Sorry'"
    return Judged(row, "An answer.", more.pop("judge", "j"), reference, answer, problem=problem, **more)
