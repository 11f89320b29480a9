"""Turns: what a model wrote, read as a conversation."""

import json
import re
from dataclasses import dataclass

_LIST = re.compile(r"\[.*\]", re.DOTALL)


@dataclass(frozen=True)
class Turn:
    """What one speaker says."""

    role: str
    """As the model named it."""
    text: str


def read_turns(answer: str) -> list[Turn]:
    """The turns of a JSON list ``[{"role": ..., "text": ...}, ...]``, with or without a code fence or words around it.

    Returns:
        Nothing where it is no such list: what cannot be read is no conversation.
    """
    found = _LIST.search(answer)
    try:
        listed = json.loads(found[0]) if found else []
        turns = [Turn(turn["role"], turn["text"].strip()) for turn in listed]
        "".join(turn.text for turn in turns).encode()  # half an emoji (a lone surrogate) cannot be stored
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []
    return turns if all(isinstance(turn.role, str) and turn.text for turn in turns) else []
