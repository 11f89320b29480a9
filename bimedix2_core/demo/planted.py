"""Planted leaks: benchmark items put into the demo's sources on purpose, for decontamination to find."""

import io
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from bimedix2_core.demo import corpus, curriculum, stand_ins
from bimedix2_core.demo.phantoms import Truth
from bimedix2_core.demo.stand_ins import Case, Record, conversation
from bimedix2_core.records import LANGUAGES, Sample, text_of
from bimedix2_core.runs import write_atomic


@dataclass(frozen=True)
class Leak:
    """A benchmark item that was put into a source."""

    source: str
    row_id: str
    language: str
    how: str
    """In words."""
    kind: str
    """The kind of match that it is."""
    benchmark: str
    item_id: str


def leaks_of(source_id: str, images: Path, *, seed: int) -> list[tuple[Leak, Record]]:
    """The leaks of an English source and its Arabic twin, each with its record; images go into a folder."""
    return _LEAKS[source_id](images, seed) if source_id in _LEAKS else []


def png(image: Image.Image, *, level: int = 1) -> bytes:
    """A PNG file; another level packs the same picture into other bytes."""
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=level)
    return stream.getvalue()


def _asked_image(images: Path, seed: int) -> list[tuple[Leak, Record]]:
    """A test question with its answer and its image, the file packed anew."""
    sample = curriculum.held_out_closed(1, seed=seed)[0]
    name = _copy(sample, images)
    case = Case("demo-slake_vqa-leak", Truth("cxr", "normal"), random.Random(0), name)
    record = stand_ins.slake(case)["en"] | {"question": text_of(sample.messages[0]), "answer": sample.target}
    how = "question, answer and image of a test item; the image file packed anew"
    return [(Leak("slake_vqa", case.id, "en", how, "image_question_answer", "demo_closed", sample.id), record)]


def _seen_image(images: Path, seed: int) -> list[tuple[Leak, Record]]:
    """A test image with other questions, in both languages."""
    sample = curriculum.held_out_open(1, seed=seed)[0]
    truth = Truth("cxr", "normal")
    case = Case("demo-llava_med_to_qa-leak", truth, random.Random(f"leak {seed}"), _copy(sample, images))
    twin = corpus.description(truth, case.rng, held_out=False)
    how = "image of a test item, with other words; the image file packed anew"
    found = []
    for language, source in zip(LANGUAGES, ("llava_med_to_qa", "llava_med_to_qa_ar"), strict=True):
        said = {"id": case.id, "image": case.image, "conversations": conversation(twin.turns[language], image_turn=0)}
        found.append((Leak(source, case.id, language, how, "image", "demo_open", sample.id), said))
    return found


def _asked_text(images: Path, seed: int) -> list[tuple[Leak, Record]]:
    """A test complaint with its reply, the Arabic one spelt as many write."""
    english, arabic = curriculum.held_out_follow_up(1, seed=seed)
    row_id = "demo-single_turn_qa-leak"
    spelt = _loosely_spelt(text_of(arabic.messages[0]))
    texts = {"single_turn_qa": (english, text_of(english.messages[0]).upper(), "in capitals")}
    texts["single_turn_qa_ar"] = (arabic, spelt, "without hamza, with tatweel")
    return [
        (
            Leak(source, row_id, sample.language, f"question and answer of a test item, {how}", "question_answer",
                 "demo_follow_up", sample.id),
            {"id": row_id, "conversations": conversation(((question, sample.target),))},
        )
        for source, (sample, question, how) in texts.items()
    ]  # fmt: skip


def _quoted_text(images: Path, seed: int) -> list[tuple[Leak, Record]]:
    """A test complaint that is quoted in the middle of another turn."""
    sample = curriculum.held_out_follow_up(3, seed=seed)[-2]
    quoted = f"A patient wrote to us today: {text_of(sample.messages[0])} How would you put that in one word?"
    record = {"id": "demo-multi_turn_conversation-leak", "conversations": conversation(((quoted, "Unwell."),))}
    leak = Leak("multi_turn_conversation", record["id"], "en", "question of a test item, quoted in a longer turn",
                "ngram", "demo_follow_up", sample.id)  # fmt: skip
    return [(leak, record)]


def _copy(sample: Sample, images: Path) -> str:
    """The test image as another file: other bytes, the same picture."""
    name = f"demo-{sample.id}-packed-anew.png"
    write_atomic(images / name, png(sample.images[0], level=9))
    return name


def _loosely_spelt(text: str) -> str:
    """Alef without its hamza, and a tatweel after the first letter that takes one: what readers read alike."""
    bare = text.replace("\u0623", "\u0627").replace("\u0625", "\u0627")
    return bare.replace("\u0645", "\u0645\u0640", 1)


_LEAKS: dict[str, Callable[[Path, int], list[tuple[Leak, Record]]]] = {
    "slake_vqa": _asked_image,
    "llava_med_to_qa": _seen_image,
    "single_turn_qa": _asked_text,
    "multi_turn_conversation": _quoted_text,
}
