"""Reading: what a judge wrote as JSON, whatever stands around it, and whether it declined to judge."""

import json
import re
from typing import Any

from bimedix2_core.bench.answers.plain import plain
from bimedix2_core.bench.answers.scope import SENTENCE_END, refusal
from bimedix2_core.data.json_objects import json_objects

LOOKED_AT = 400
"""Characters in which a refusal begins, if it is one."""

_DECLINES = re.compile(
    r"(?<!\w)(?:i|we) (?:cannot|cant|can not|could not|wont|will not) (?:\w+ )?"
    r"(?:assess|compare|comply|evaluate|grade|judge|rate|review|score)(?!\w)"
)
"""A judge's own ways to decline, beside those of any answer."""

_DECODER = json.JSONDecoder(object_pairs_hook=lambda pairs: _Object(pairs))


class _Object(tuple):
    """The fields of a JSON object in their order, also those that come twice."""


def json_fields(text: str, name: str) -> list[Any]:
    """Each value of a field in the JSON objects of a text; objects inside objects are not looked into.

    A verdict has exactly one value. None is a judge that did not keep to the form; several that differ are a judge that
    contradicts itself, or repeats what the answer told it to say: which one is meant cannot be known.

    Example:
        >>> json_fields('Here: {"reasoning": "{x}", "agreement": "agree"}', "agreement")
        ['agree']
    """
    return [value for one in json_objects(text, _DECODER) for field, value in one if field == name]


def is_refusal(text: str) -> bool:
    """Whether a reply begins by declining, in either language, instead of with a score or an object.

    Example:
        >>> [is_refusal(text) for text in ("I'm sorry, I cannot judge this.", "8 5. I cannot fault the first.")]
        [True, False]
    """
    said = plain(text[:LOOKED_AT])
    own = _DECLINES.search(said)
    places = [place for place in (refusal(said), own.start() if own else None) if place is not None]
    if not places:
        return False
    before = said[: min(places)]
    has_verdict = any(character.isdigit() or character == "{" for character in before)
    return not has_verdict and SENTENCE_END.search(before) is None
