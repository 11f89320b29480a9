"""Answers: what a text says, whatever its wording: a letter, yes or no, a span; in English and Arabic.

A text that cannot be read for certain is `unreadable`, never guessed; a refusal and an empty text are outcomes of
their own. `plain` brings a text into one spelling, `scope` finds the part of it that answers, words.yaml has the words
of both languages.
"""

from bimedix2_core.bench.answers.letters import read_letter
from bimedix2_core.bench.answers.polarity import read_polarity
from bimedix2_core.bench.answers.reading import OUTCOMES, Reading
from bimedix2_core.bench.answers.spans import read_span
from bimedix2_core.bench.answers.wording import asks, is_empty

__all__ = ["OUTCOMES", "Reading", "asks", "is_empty", "read_letter", "read_polarity", "read_span"]
