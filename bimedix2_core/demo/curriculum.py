"""Curriculum: what the demo trains on, stage by stage, and what it is tested on.

Questions are drawn before images: first what is asked and what the answer is, evenly, then a truth for which it holds.
So no answer can be guessed from the wording. Test images have seeds of their own, and test questions use the sentences
that the grammar reserves (``held_out``): for no truth record was such a sentence seen in training.
"""

import random
from collections.abc import Callable, Iterable, Sequence

from tqdm.auto import tqdm

from bimedix2_core.demo import corpus
from bimedix2_core.demo.corpus import Twin
from bimedix2_core.demo.phantoms import FINDINGS, MODALITIES, Truth, all_truths, draw
from bimedix2_core.records import Sample

CAPTION_SEEDS = 1_000_000
INSTRUCTION_SEEDS = 2_000_000
TEST_SEEDS = 3_000_000
"""Image seeds of each purpose begin here; the tiny base drew its own below 1,000,000."""

CLOSED_KINDS = ("modality", "abnormal", "normal", "finding", "side", "side_yes_no", "size", "size_yes_no")
SIDE_KINDS = ("side", "side_yes_no")


def caption_samples(n_images: int, *, seed: int) -> list[Sample]:
    """Stage 1: images evenly over modalities and their findings, each captioned in both languages."""
    rng = random.Random(f"captions {seed}")
    truths = [corpus.even_truth(rng) for _ in range(n_images)]
    twins = [(truth, corpus.caption(truth, rng, held_out=False)) for truth in truths]
    return _with_images("captions", twins, first_seed=CAPTION_SEEDS + 100_000 * seed)


def instruction_samples(n_images: int, n_text: int, *, seed: int) -> list[Sample]:
    """Stage 2: conversations about images, and text-only samples, each in both languages.

    Truth records are drawn evenly, so half of the images have a side to be asked about. Some captions stay in
    the mix: without them the caption loss that Stage 1 reached rises again.
    """
    rng = random.Random(f"instructions {seed}")
    truths = [rng.choice(all_truths()) for _ in range(n_images)]
    with_image = [(truth, _instruction(truth, rng)) for truth in truths]
    text = [text_twin(rng) for _ in range(n_text)]
    samples = _with_images("instructions", with_image, first_seed=INSTRUCTION_SEEDS + 100_000 * seed)
    for index, twin in enumerate(text):
        samples += corpus.samples(twin, f"text-{index}")
    return samples


def text_twin(rng: random.Random) -> Twin:
    """One text-only twin of Stage 2: a report, a fact, a translation, or a patient who may have left something out."""
    form = rng.choice(("report", "fact", "translation", "follow-up"))
    truth = corpus.even_truth(rng)
    if form == "report":
        return corpus.report(truth, rng, held_out=False)
    if form == "fact":
        return corpus.fact(rng, held_out=False)
    if form == "translation":
        return corpus.parallel_sentence(truth, rng.choice(corpus.DIRECTIONS), rng, held_out=False)
    return corpus.follow_up(rng, complete=rng.random() < 0.5, held_out=False)


def held_out_captions(n: int, *, seed: int, new_wording: bool = False) -> list[Sample]:
    """Captions of held-out images, ``n`` per language.

    Args:
        n: how many images.
        seed: of the draw.
        new_wording: also in sentences that training never says; what is lost then is mostly the wording.
    """
    rng = random.Random(f"test captions {seed}")
    truths = [corpus.even_truth(rng) for _ in range(n)]
    twins = [(truth, corpus.caption(truth, rng, held_out=new_wording)) for truth in truths]
    return _with_images("test captions", twins, first_seed=TEST_SEEDS)


def held_out_closed(n: int, *, seed: int, kinds: Sequence[str] = CLOSED_KINDS) -> list[Sample]:
    """Closed questions on held-out images, evenly over kinds and answers, ``n`` per language."""
    rng = random.Random(f"test closed {seed} {kinds}")
    twins = [_closed(kinds[index % len(kinds)], rng, held_out=True) for index in range(n)]
    return _with_images("test closed", twins, first_seed=TEST_SEEDS + 100_000 + 50_000 * (len(kinds) < 8))


def held_out_open(n: int, *, seed: int) -> list[Sample]:
    """Open questions on held-out images, ``n`` per language."""
    rng = random.Random(f"test open {seed}")
    twins = [
        (truth, corpus.open_question(truth, rng.choice(corpus.kinds("open_question", truth)), rng, held_out=True))
        for truth in [corpus.even_truth(rng) for _ in range(n)]
    ]
    return _with_images("test open", twins, first_seed=TEST_SEEDS + 200_000)


def held_out_choice(n: int, *, seed: int) -> list[Sample]:
    """Multiple choice on held-out images, ``n`` per language."""
    rng = random.Random(f"test choice {seed}")
    twins = [
        (truth, corpus.multiple_choice(truth, rng.choice(corpus.kinds("multiple_choice", truth)), rng, held_out=True))
        for truth in [corpus.even_truth(rng) for _ in range(n)]
    ]
    return _with_images("test choice", twins, first_seed=TEST_SEEDS + 300_000)


def held_out_follow_up(n: int, *, seed: int) -> list[Sample]:
    """Complaints in held-out words, every second one complete, ``n`` per language."""
    rng = random.Random(f"test follow-up {seed}")
    twins = [corpus.follow_up(rng, complete=index % 2 == 0, held_out=True) for index in range(n)]
    return [sample for index, twin in enumerate(twins) for sample in corpus.samples(twin, f"follow-up-{index}")]


def _instruction(truth: Truth, rng: random.Random) -> Twin:
    """One conversation about an image."""
    form = rng.choices(("interview", "caption", "description", "chat"), weights=(12, 2, 1, 2))[0]
    if form == "interview":
        return corpus.interview(truth, rng, n_questions=3)
    if form == "caption":
        return corpus.caption(truth, rng, held_out=False)
    if form == "description":
        return corpus.description(truth, rng, held_out=False)
    return corpus.chat(truth, rng, held_out=False)


def _closed(kind: str, rng: random.Random, *, held_out: bool) -> tuple[Truth, Twin]:
    """A closed question whose answer is drawn before the truth that makes it right."""
    modality = rng.choice([name for name in MODALITIES if any(_possible(truth, kind) for truth in _truths(name))])
    yes = rng.random() < 0.5
    asked = None
    if kind == "modality":
        asked = modality
        modality = modality if yes else rng.choice([name for name in MODALITIES if name != asked])
        truth = _draw_truth(modality, rng)
    elif kind == "finding":
        asked = rng.choice([name for name in FINDINGS[modality] if name != "normal"])
        truth = _draw_truth(modality, rng, wanted=lambda t: (t.finding == asked) == yes)
    elif kind in ("abnormal", "normal"):
        truth = _draw_truth(modality, rng, wanted=lambda t: (t.finding == "normal") == (yes == (kind == "normal")))
    else:
        truth = _draw_truth(modality, rng, wanted=lambda t: _possible(t, kind))
    answer = getattr(truth, kind) if kind in ("side", "size") else ("yes" if yes else "no")
    return truth, corpus.closed_question(truth, kind, answer, rng, held_out=held_out, asked=asked)


def _possible(truth: Truth, kind: str) -> bool:
    return kind in corpus.kinds("closed_question", truth)


def _truths(modality: str) -> list[Truth]:
    return [truth for truth in all_truths() if truth.modality == modality]


def _draw_truth(modality: str, rng: random.Random, *, wanted: Callable[[Truth], bool] = lambda truth: True) -> Truth:
    """A truth record, evenly over the findings that are wanted, then over their sides and sizes."""
    fitting = [truth for truth in _truths(modality) if wanted(truth)]
    finding = rng.choice(sorted({truth.finding for truth in fitting}))
    return rng.choice([truth for truth in fitting if truth.finding == finding])


def _with_images(name: str, twins: Iterable[tuple[Truth, Twin]], *, first_seed: int) -> list[Sample]:
    """Draw each twin's image; return English and Arabic samples, twins side by side."""
    samples = []
    for index, (truth, twin) in enumerate(tqdm(list(twins), desc=f"drawing {name}", unit="image")):
        image = draw(truth, first_seed + index)
        samples += corpus.samples(twin, f"{name.replace(' ', '-')}-{index}", image)
    return samples
