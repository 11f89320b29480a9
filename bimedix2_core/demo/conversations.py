"""Conversations: samples played to a model turn by turn, and drawn as the paper's Figure 3 draws them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bimedix2_core.data.images import Readings, read_folder
from bimedix2_core.data.language import language_of
from bimedix2_core.demo.lessons import interview_examples
from bimedix2_core.inference.conversation import Conversation
from bimedix2_core.inference.generate import generate
from bimedix2_core.model.assemble import Lmm
from bimedix2_core.paper.figures import Dialogue, Exchange, dialogue_grid, show
from bimedix2_core.paper.tables import Table
from bimedix2_core.params import InferenceParams
from bimedix2_core.records import LANGUAGES, Sample, text_of
from bimedix2_core.runs import root

PER_PAGE = 4
"""Conversations in one figure."""


def written(sample: Sample, *, title: str) -> Dialogue:
    """The conversation as it stands in the sample."""
    answers = [text_of(turn) for turn in sample.messages if turn["role"] == "assistant"]
    return _dialogue(sample, answers, title=title)


def written_all(samples: Sequence[Sample], *, titles: Sequence[str]) -> list[Dialogue]:
    """Several conversations as they stand, each with its title."""
    return [written(sample, title=title) for sample, title in zip(samples, titles, strict=True)]


def played(lmm: Lmm, sample: Sample, *, settings: InferenceParams, title: str) -> Dialogue:
    """The user's turns of a sample put to the model one after the other; its own answers stay in the conversation."""
    conversation, images = Conversation(lmm, settings=settings), iter(sample.images)
    answers = []
    for turn in _user_turns(sample):
        image = next(images) if _shows_image(turn) else None
        answers.append(conversation.ask(text_of(turn), image=image))
    return _dialogue(sample, answers, title=title)


def played_all(
    lmm: Lmm, samples: Sequence[Sample], *, settings: InferenceParams, titles: Sequence[str]
) -> list[Dialogue]:
    """Several conversations, each with its title."""
    return [played(lmm, sample, settings=settings, title=title) for sample, title in zip(samples, titles, strict=True)]


def switching(english: Sample, arabic: Sample) -> Sample:
    """The same conversation, its turns by turns in English and in Arabic."""
    messages = [(english if index // 2 % 2 == 0 else arabic).messages[index] for index in range(len(english.messages))]
    return replace(english, language="", messages=messages)


def sampled_answers(
    lmm: Lmm, samples: Sequence[Sample], *, settings: InferenceParams, temperature: float, n_draws: int
) -> Table:
    """Greedy answers beside drawn ones; draw ``k`` has seed ``k``."""
    sampling = settings.model_copy(update={"temperature": temperature})
    greedy = generate(lmm, samples, settings=settings.model_copy(update={"temperature": 0.0}))
    draws = [generate(lmm, samples, settings=sampling, seed=seed) for seed in range(n_draws)]
    rows = [(text_of(sample.prompt[-1]), *answers) for sample, *answers in zip(samples, greedy, *draws, strict=True)]
    columns = ("question", "greedy", *(f"draw {number + 1}" for number in range(n_draws)))
    return Table(columns, tuple(rows), f"Greedy answers and answers drawn at temperature {temperature}")


# --- a reader's own images -------------------------------------------------------------------------------------------


def reader_folder_line(folder: str | None) -> str:
    """Where the reader's images come from, or how to name a folder of them."""
    if folder is None:
        return (
            "data.reader_images is null: no images of your own are read. To ask the model about yours, write\n"
            "overrides = {'data': {'reader_images': '/path/to/folder'}} into the parameters cell and run again."
        )
    return "data.reader_images names a folder; what it holds follows"


def read_reader_images(folder: str | None) -> Readings:
    """What the reader's folder holds; nothing where no folder is named.

    Raises:
        DataError: the folder that is named is not there.
    """
    return Readings((), ()) if folder is None else read_folder(root() / Path(folder).expanduser())


def readings_table(readings: Readings) -> Table:
    """Every file: how it was read, or why not."""
    read = [(one.name, one.kind, one.note) for one in readings.images]
    failed = [(one.name, "NOT READ", one.reason) for one in readings.problems]
    return Table(("file", "kind", "how it was read, or why not"), tuple(sorted(read + failed)), "The reader's folder")


def beside_phantoms(lmm: Lmm, readings: Readings, *, settings: InferenceParams, seed: int) -> list[Dialogue]:
    """Each of the reader's images beside a phantom, both asked the same question, on its own in each language."""
    phantoms = interview_examples(seed=seed)
    pairs = [phantoms[start : start + len(LANGUAGES)] for start in range(0, len(phantoms), len(LANGUAGES))]
    dialogues = []
    for index, reading in enumerate(readings.images):
        twins = pairs[index % len(pairs)]
        own = [replace(twin, images=[reading.image]) for twin in twins]
        dialogues.append(_asked_once(lmm, own, settings=settings, title=reading.name))
        dialogues.append(_asked_once(lmm, twins, settings=settings, title="a phantom, asked the same"))
    return dialogues


def show_pages(dialogues: Sequence[Dialogue], *, alt: str) -> None:
    """Show conversations two in a row, two rows to a figure; nothing where there are none."""
    for start in range(0, len(dialogues), PER_PAGE):
        show(dialogue_grid(dialogues[start : start + PER_PAGE]), alt=alt)


def _asked_once(lmm: Lmm, twins: Sequence[Sample], *, settings: InferenceParams, title: str) -> Dialogue:
    """The first question of each twin, each in a conversation of its own."""
    firsts = [replace(twin, messages=twin.messages[:2]) for twin in twins]
    answers = generate(lmm, firsts, settings=settings)
    exchanges = [
        exchange
        for twin, answer in zip(firsts, answers, strict=True)
        for exchange in _dialogue(twin, [answer], title=title).exchanges
    ]
    return Dialogue(title, (exchanges[0], *(replace(one, image=None) for one in exchanges[1:])))


def _dialogue(sample: Sample, answers: Sequence[str], *, title: str) -> Dialogue:
    images = iter(sample.images)
    exchanges = tuple(
        Exchange(
            question=text_of(turn),
            answer=answer or "(nothing)",
            language=language_of(text_of(turn)),
            image=next(images) if _shows_image(turn) else None,
        )
        for turn, answer in zip(_user_turns(sample), answers, strict=True)
    )
    return Dialogue(title, exchanges)


def _user_turns(sample: Sample) -> list[dict]:
    return [turn for turn in sample.messages if turn["role"] == "user"]


def _shows_image(turn: dict) -> bool:
    return any(part["type"] == "image" for part in turn["content"])
