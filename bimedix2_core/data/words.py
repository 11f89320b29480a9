"""Words: a text without what case, punctuation, Arabic spelling and digits cannot change.

The Arabic rules are those of Lucene's ArabicNormalizer (harakat and tatweel out, alef, ya and ta marbuta unified) and
one more: hamza goes with the letter that carries it, and alone it goes.
"""

import re
import unicodedata

_LETTERS = {
    **dict.fromkeys("\u0622\u0623\u0625\u0671\u0672\u0673", "\u0627"),  # alef with madda, hamza, wasla
    "\u0624": "\u0648",  # waw with hamza
    **dict.fromkeys("\u0626\u0649\u06cc", "\u064a"),  # ya with hamza, alef maksura, Persian ya
    "\u0629": "\u0647",  # ta marbuta
    "\u06a9": "\u0643",  # Persian kaf
    "\u0621": "",  # hamza alone
    "\u0640": "",  # tatweel
    "\u066b": ".",  # Arabic decimal separator
    "\u066c": ",",  # Arabic thousands separator
}
_MARKS = ((0x0610, 0x061A), (0x064B, 0x065F), (0x0670, 0x0670), (0x06D6, 0x06DC), (0x06DF, 0x06E8), (0x06EA, 0x06ED))
_INVISIBLE = (
    (0x00AD, 0x00AD),
    (0x061C, 0x061C),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x2069),
    (0xFEFF, 0xFEFF),
)

_TABLE = str.maketrans(
    _LETTERS
    | {chr(code): "" for first, last in (*_MARKS, *_INVISIBLE) for code in range(first, last + 1)}
    | {chr(zero + digit): str(digit) for zero in (0x0660, 0x06F0) for digit in range(10)}
)

_WORD = re.compile(r"\d+(?:\.\d+)+|[^\W_]+")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3})")


def words(text: str) -> list[str]:
    """The words of a text, normalised: NFKC, case folded, Arabic unified, digits Western, no punctuation.

    A number keeps its decimal point, since 1.5 mg is not 15 mg; thousands separators go.

    Example:
        >>> words("X-ray: 1,200 mg, or 1.5?")
        ['x', 'ray', '1200', 'mg', 'or', '1.5']
    """
    # The Latin case fold and Arabic letters do not meet, so that one pass of each is enough.
    text = unicodedata.normalize("NFKC", text).casefold()
    if not text.isascii():
        text = text.translate(_TABLE)
    return _WORD.findall(_THOUSANDS.sub("", text) if "," in text else text)
