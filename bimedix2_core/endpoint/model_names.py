"""Model names: whether the one who answers is the one who was asked."""

import re

_ALIAS = re.compile(r"(-latest|:latest|@main)$")
_DATE = re.compile(r"[-@](\d{4}-\d{2}-\d{2}|\d{8}|\d{4})$")


def is_same_model(asked: str, answered: str) -> bool:
    """Whether the name in an answer is that of the model asked for.

    Owner or folder may be missing on one side, and the answer may be dated or name its revision where the request is
    not: OpenAI answers ``gpt-4o`` as ``gpt-4o-2024-08-06``, ``transformers serve`` adds ``@main``.

    Example:
        >>> is_same_model("gpt-4o", "gpt-4o-2024-08-06"), is_same_model("gpt-4o", "gpt-4o-mini-2024-07-18")
        (True, False)
    """
    asked, answered = _ALIAS.sub("", asked.casefold()), _ALIAS.sub("", answered.casefold())
    if "/" not in asked or "/" not in answered:
        asked, answered = asked.rsplit("/", 1)[-1], answered.rsplit("/", 1)[-1]
    return asked in (answered, _DATE.sub("", answered))
