"""Batches: questions that are read together, of similar length, and what their prompts share."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bimedix2_core.inference.score_options.questions import Question

MIN_SHARED = 64
"""Tokens that prompts begin with alike before it pays to read them once: a worked example, not a phrase."""


@dataclass(frozen=True)
class Batch:
    """Questions of one forward pass."""

    indices: list[int]
    n_shared: int
    """Tokens that all their prompts begin with, as with the same worked examples; 0 where it does not pay."""


def batches_of(
    questions: Sequence[Question], image_token: int | None, *, batch_size: int, batch_tokens: int
) -> Iterator[Batch]:
    """Each question once, the longest of a group first, so that a batch pads little and memory peaks early.

    Args:
        questions: as `questions_of` gives them.
        image_token: stands for images, which may differ where tokens do not; None where the model sees none.
        batch_size: most questions of a batch.
        batch_tokens: most tokens read, padding included and what prompts share left out; one question may take more.
    """
    for group, n_shared in _groups(questions, image_token):
        order = sorted(group, key=lambda index: (-len(questions[index].prompt), -questions[index].n_read, index))
        batch: list[int] = []
        for index in order:
            grown = [*batch, index]
            width = len(questions[grown[0]].prompt) - n_shared + max(questions[one].n_read for one in grown)
            if batch and (len(grown) > batch_size or len(grown) * width > batch_tokens):
                yield Batch(batch, n_shared)
                grown = [index]
            batch = grown
        if batch:
            yield Batch(batch, n_shared)


def _groups(questions: Sequence[Question], image_token: int | None) -> Iterator[tuple[list[int], int]]:
    """Indices of questions whose prompts begin alike, with the number of tokens they share; the others share none."""
    heads = [tuple(question.prompt[:MIN_SHARED]) for question in questions]
    counts = Counter(heads)
    groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for index, head in enumerate(heads):
        is_shared = counts[head] > 1 and len(head) == MIN_SHARED and image_token not in head
        groups[head if is_shared else ()].append(index)
    for head, group in groups.items():
        yield group, _n_shared([questions[index].prompt for index in group], image_token) if head else 0


def _n_shared(prompts: Sequence[list[int]], image_token: int | None) -> int:
    """Tokens that all prompts begin with, up to the first image, and less than any: its last state is wanted."""
    first, last = min(prompts), max(prompts)  # in dictionary order: what these two share, all share
    most = min(map(len, prompts)) - 1
    pairs = enumerate(zip(first[:most], last[:most], strict=True))
    return next((n for n, (one, other) in pairs if one != other or one == image_token), most)
