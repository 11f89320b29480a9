"""Questions: queries as tokens, each option apart from the prompt that it continues."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bimedix2_core.data.chat import IMAGE_TOKEN, image_token
from bimedix2_core.errors import DataError
from bimedix2_core.inference.generate import check_text, prompt_tokens, start_token, text_tokens
from bimedix2_core.model.assemble import Lmm
from bimedix2_core.records import Query


@dataclass(frozen=True, slots=True)
class Question:
    """A query as tokens."""

    prompt: list[int]
    """int[T], image placeholders expanded."""
    options: list[list[int]]
    """At least one token each."""

    @property
    def n_read(self) -> int:
        """Number of option tokens that the model must read: all but the last of each option."""
        return sum(len(option) - 1 for option in self.options)


def questions_of(lmm: Lmm, queries: Sequence[Query]) -> list[Question]:
    """Tokens of each query.

    After messages (chat template, assistant's header) an option is tokenised by itself: it is what the assistant says.
    After a text an option is what follows the tokens of the text when both are tokenised together; white space at the
    end of the text is counted to the option, and no text at all is the start token.

    Raises:
        DataError: a query has no option, an option is empty, no token of its own or holds the image token, or prompt
            and longest option do not fit the model's positions; the message names the query.

    Source:
        For texts lm-evaluation-harness 0.4.13, ``TemplateLM.loglikelihood`` and ``TemplateLM._encode_pair``, to the
        token. It cuts a question that does not fit from the left; here that is an error.
    """
    for query in queries:
        _check_options(query)
    of_texts = _text_questions(lmm, [query for query in queries if isinstance(query.prompt, str)])
    questions = [
        next(of_texts) if isinstance(query.prompt, str) else _message_question(lmm, query) for query in queries
    ]
    for query, question in zip(queries, questions, strict=True):
        _check_tokens(lmm, query, question)
    return questions


def _text_questions(lmm: Lmm, queries: Sequence[Query]) -> Iterator[Question]:
    """All texts in one call of the tokenizer, which is faster than one by one."""
    heads = text_tokens(lmm.tokenizer, [query.prompt.rstrip() for query in queries])
    wholes = iter(text_tokens(lmm.tokenizer, [query.prompt + text for query in queries for text in query.options]))
    for query, head in zip(queries, heads, strict=True):
        options = [next(wholes)[len(head) :] for _ in query.options]
        if not query.prompt:
            head = [start_token(lmm.tokenizer)]
            options = [_after_nothing(lmm.tokenizer, text) for text in query.options]
        check_text(lmm, query, head)
        yield Question(head, options)


def _after_nothing(tokenizer, option: str) -> list[int]:
    tokens = tokenizer.encode(option, add_special_tokens=False)
    return tokens[1:] if tokens[0] == start_token(tokenizer) else tokens


def _message_question(lmm: Lmm, query: Query) -> Question:
    options = lmm.tokenizer(list(query.options), add_special_tokens=False)["input_ids"]
    return Question(prompt_tokens(lmm, query), options)


def _check_options(query: Query) -> None:
    if not query.options:
        raise DataError(f"query {query.id!r} has no options to score; give them, or let the model write with generate")
    if "" in query.options:
        raise DataError(f"query {query.id!r}: option {query.options.index('') + 1} is empty; expected a text")


def _check_tokens(lmm: Lmm, query: Query, question: Question) -> None:
    for text, tokens in zip(query.options, question.options, strict=True):
        if not tokens:
            raise DataError(
                f"query {query.id!r}: option {text!r} is no token of its own after the prompt's end "
                f"{query.prompt[-20:]!r}; begin options with a space, and do not end prompts within a word"
            )
        if image_token(lmm.tokenizer) in tokens:
            raise DataError(f"query {query.id!r}: option {text!r} spells {IMAGE_TOKEN}; remove it from the text")
    n_tokens = len(question.prompt) + max(map(len, question.options)) - 1
    n_positions = lmm.model.config.get_text_config().max_position_embeddings
    if n_tokens > n_positions:
        raise DataError(
            f"query {query.id!r}: prompt and longest option take {n_tokens} positions, the model has {n_positions}; "
            "a cut question would be another one: shorten it or give fewer examples"
        )
