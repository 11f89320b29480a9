"""Statistics of a composed data set, against sums by hand."""

from pathlib import Path

import pytest
from tokenizers import Tokenizer

from bimedix2_core.data.compose.selection import Part
from bimedix2_core.data.compose.shards import compose
from bimedix2_core.data.compose.statistics import Size, statistics
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row, message

ENGLISH = [
    Row("1", "en", "qa", "", [message("user", "Any fracture?", images=1), message("assistant", "No.")], ("ab" * 32,)),
    Row("2", "en", "qa", "", [message("user", "What is it?"), message("assistant", "A  cyst\nof the liver")]),
]
ARABIC = [Row("1", "ar", "qa", "", [message("user", "هل يوجد كسر؟"), message("assistant", "لا")])]


@pytest.fixture
def folder(tmp_path) -> Path:
    parts = [Part("qa", lambda: iter(ENGLISH)), Part("qa_ar", lambda: iter(ARABIC))]
    compose(parts, {"qa": 2, "qa_ar": 1}, folder=tmp_path, seed=0, rows_per_shard=2)
    return tmp_path


def letters(texts: list[str]) -> list[int]:
    """A tokenizer that takes each character for a token."""
    return [len(text) for text in texts]


def test_each_source_language_and_modality_is_counted_by_itself(folder):
    groups = statistics(folder, letters).groups

    # "Any fracture?" 13 and "No." 3; "What is it?" 11 and "A  cyst\nof the liver" 20; "هل يوجد كسر؟" 12 and "لا" 2
    assert [(one.source, one.language, one.modality, one.size) for one in groups] == [
        ("qa", "en", "image_text", Size(messages=2, words=3, characters=16, lengths={16: 1})),
        ("qa", "en", "text", Size(messages=2, words=8, characters=31, lengths={31: 1})),
        ("qa_ar", "ar", "text", Size(messages=2, words=4, characters=14, lengths={14: 1})),
    ]


def test_sizes_add_up_by_source_language_and_modality(folder):
    counted = statistics(folder, letters)

    assert counted.size() == Size(messages=6, words=15, characters=61, lengths={16: 1, 31: 1, 14: 1})
    assert counted.by("language")["en"] == counted.size(source="qa") == Size(4, 11, 47, {16: 1, 31: 1})
    assert counted.size(language="en", modality="text").rows == 1
    assert counted.size(language="ar", modality="image_text") == Size()


def test_shares_are_shares_of_the_rows(folder):
    counted = statistics(folder, letters)

    assert counted.shares("language") == {"en": 2 / 3, "ar": 1 / 3}
    assert counted.shares("modality") == {"image_text": 1 / 3, "text": 2 / 3}


def test_fertility_is_tokens_for_each_word(folder):
    counted = statistics(folder, lambda texts: [3 * len(text.split()) for text in texts])

    assert counted.by("language")["ar"].fertility == 3
    assert statistics(folder, letters).by("language")["ar"].fertility == 14 / 4


def test_the_tokenizer_of_the_demo_counts(folder, repository):
    tokenizer = Tokenizer.from_file(str(repository / "bimedix2_core/demo/base/tokenizer.json"))
    counted = statistics(folder, lambda texts: [len(one.ids) for one in tokenizer.encode_batch(texts)])

    by_hand = [tokenizer.encode(text).ids for text in ("هل يوجد كسر؟", "لا")]
    assert counted.size(language="ar").tokens == sum(map(len, by_hand))


@pytest.mark.parametrize(("percent", "tokens"), [(0, 10), (25, 10), (26, 20), (50, 20), (75, 30), (76, 90), (100, 90)])
def test_a_percentile_is_the_nearest_rank(percent, tokens):
    assert Size(lengths={10: 1, 20: 1, 30: 1, 90: 1}).percentile(percent) == tokens


def test_a_percentile_counts_rows_and_not_lengths():
    assert Size(lengths={10: 97, 500: 3}).percentile(95) == 10
    assert Size(lengths={10: 94, 500: 6}).percentile(95) == 500


@pytest.mark.parametrize(("size", "percent"), [(Size(), 50), (Size(lengths={1: 1}), 101), (Size(lengths={1: 1}), -1)])
def test_a_percentile_of_nothing_or_beyond_all_is_refused(size, percent):
    with pytest.raises(DataError, match="expected 0 to 100, and at least one row"):
        size.percentile(percent)


def test_fertility_without_words_is_refused():
    with pytest.raises(DataError, match="2 rows without a word have no fertility"):
        _ = Size(messages=2, lengths={0: 2}).fertility


def test_a_count_that_is_missing_is_an_error(folder):
    with pytest.raises(DataError, match="count_tokens gave 1 counts for"):
        statistics(folder, lambda texts: [7])
