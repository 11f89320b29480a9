"""Language: which of the two a text is written in."""

import re

_ARABIC = re.compile("[\u0600-\u06ff]")
_LATIN = re.compile("[A-Za-z]")


def language_of(text: str) -> str:
    """Return ``"ar"`` or ``"en"`` by the script of most letters, ``""`` where there is no letter.

    Example:
        >>> language_of("A"), language_of("42")
        ('en', '')
    """
    n_arabic, n_latin = len(_ARABIC.findall(text)), len(_LATIN.findall(text))
    if n_arabic == n_latin == 0:
        return ""
    return "ar" if n_arabic > n_latin else "en"
