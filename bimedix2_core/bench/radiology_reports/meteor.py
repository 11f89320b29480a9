"""METEOR: words that are the same, have the same stem, or are synonyms, in English; as MultiMedEval computes it.

The synonyms are WordNet's and the sentences punkt's, which nltk does not bring along. Without them nothing is computed:
nltk looks synonyms up only where words are left over, so that a few easy reports would get a number and the rest none.
It looks them up by their stem: a word whose stem is no word ("enlarged", "enlarg") has none there.
"""

from collections.abc import Sequence

import nltk

from bimedix2_core.bench.radiology_reports.not_run import NotRun

METEOR = "METEOR"
NEEDED = {"wordnet": "corpora/wordnet", "punkt_tab": "tokenizers/punkt_tab"}
"""nltk's data, by the names that nltk.download takes."""


def meteor(hypotheses: Sequence[str], references: Sequence[str]) -> list[float] | NotRun:
    """METEOR of each English report, 0 to 1, or that it was not run because nltk's data are not there.

    An identical report has a little less than 1: METEOR's penalty for one unbroken run is 0.5 / words^3.
    """
    missing = [name for name, place in NEEDED.items() if not _is_there(place)]
    if missing:
        return NotRun(METEOR, f"needs {' and '.join(missing)} ({'; '.join(f'nltk.download({n!r})' for n in missing)})")
    from nltk.tokenize import word_tokenize
    from nltk.translate.meteor_score import single_meteor_score

    pairs = zip(hypotheses, references, strict=True)
    return [single_meteor_score(word_tokenize(theirs), word_tokenize(ours)) for ours, theirs in pairs]


def _is_there(place: str) -> bool:
    """Whether nltk finds a resource, unpacked or as the zip that it downloads."""
    for name in (place, f"{place}.zip"):
        try:
            nltk.data.find(name)
        except LookupError:
            continue
        return True
    return False
