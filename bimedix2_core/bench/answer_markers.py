"""Answer markers: the words behind which MedEvalKit looks for an answer, in its text and in its image benchmarks."""

MARKERS = (
    "**answer**:",
    "**answer**",
    "*answer*:",
    "**answer:**",
    "answer is",
    "answer:",
    "\u7b54\u6848:",
    "final answer",
    "final answer is",
)
"""What stands before the last of each is cut off, in this order.

Source:
    MedEvalKit 9b12e3b, utils.py.
"""


def behind_markers(said: str) -> str:
    """What stands behind the last of each marker, of a text in small letters.

    Example:
        >>> behind_markers("i think the answer is: answer: b")
        ' b'
    """
    for marker in MARKERS:
        said = said.split(marker)[-1]
    return said
