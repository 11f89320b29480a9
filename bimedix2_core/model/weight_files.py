"""Weight files: the safetensors of a checkpoint by the names inside them, looked at before anything is loaded.

Mixtures of early 2024 hold each expert's matrices under its number; transformers 5 stacks what it finds in the order of
the numbers and never asks whether one is left out, so that every later expert would take its neighbour's place.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from safetensors import safe_open
from transformers.utils import SAFE_WEIGHTS_INDEX_NAME, SAFE_WEIGHTS_NAME, cached_file

from bimedix2_core.errors import ModelError

_EXPERT = re.compile(r"(?P<stack>.*\.experts)\.(?P<number>[^.]+)\.(?P<matrix>.+)")


def weight_names(place: str) -> list[str]:
    """Names of all weights of a checkpoint.

    Args:
        place: folder or hub id; of the latter the files are fetched into the cache, if they are not there.

    Raises:
        OSError: a file is missing, or there are no safetensors.
        SafetensorError: a file is cut off or no safetensors.
    """
    names = []
    for file in _files(place):
        with safe_open(file, framework="pt") as opened:
            names += opened.keys()
    return names


def check_experts(names: Iterable[str]) -> None:
    """Hold that experts stored one by one are numbered from 0 without a gap.

    Raises:
        ModelError: they are not.
    """
    numbers = defaultdict(set)
    for name in names:
        found = _EXPERT.fullmatch(name)
        if found:
            numbers[f"{found['stack']}.*.{found['matrix']}"].add(found["number"])
    most = max(map(len, numbers.values()), default=0)
    for name, given in numbers.items():
        if given != {str(number) for number in range(most)}:
            raise ModelError(
                f"{name} is there for the experts {', '.join(sorted(given))}; expected 0 to {most - 1}: each would be "
                "taken for another one; get all files of the checkpoint again"
            )


def _files(place: str) -> list[str]:
    index = cached_file(place, SAFE_WEIGHTS_INDEX_NAME, _raise_exceptions_for_missing_entries=False)
    if index is None:
        return [cached_file(place, SAFE_WEIGHTS_NAME)]
    places = json.loads(Path(index).read_text(encoding="utf-8"))["weight_map"].values()
    return [cached_file(place, file) for file in sorted(set(places))]
