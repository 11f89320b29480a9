"""Counts of BiMed1.3M: one Arabic row to two English ones, in Table 12's proportions within each language."""

from fractions import Fraction

import pytest

from bimedix2_core.data.compose.bimed13m import SYNTHESISED, TEXT_SOURCES, bimed13m_counts, part_id
from bimedix2_core.errors import DataError
from bimedix2_core.paper import reported

TABLE = reported.read("table12_bimed_v_composition")
SAMPLES = {source: int(n) for source, n in TABLE.column("samples").items()}
EASY = dict(zip(TEXT_SOURCES, (50, 30, 10, 5, 5), strict=True)) | dict(
    zip([f"{one}_ar" for one in TEXT_SOURCES], (1, 1, 0, 1, 7), strict=True)
)


def of_language(counts, language):
    return {one: n for one, n in counts.items() if one.endswith("_ar") == (language == "ar")}


def test_the_text_sources_are_those_that_table_12_is_read_to_have():
    text = [source for source in SAMPLES if TABLE.cell(source, "modality_inferred") == "text"]

    assert sorted(text) == sorted(part_id(one, language) for one in TEXT_SOURCES for language in ("en", "ar"))


def test_the_text_rows_of_table_12_stand_at_1_to_1_5_and_are_fewer_than_1_3_million():
    text = {
        part_id(one, language): SAMPLES[part_id(one, language)] for one in TEXT_SOURCES for language in ("en", "ar")
    }
    english, arabic = (sum(of_language(text, language).values()) for language in ("en", "ar"))

    assert (arabic, english) == (444_995, 666_585)
    assert round(english / arabic, 1) == 1.5
    assert arabic + english == 1_111_580 < 1_300_000


def test_rows_are_shared_out_by_language_and_then_by_source():
    # 150 rows at 1:2 are 100 English and 50 Arabic ones
    assert bimed13m_counts(EASY, n_rows=150, arabic_per_english=0.5) == {
        "pubmedqa": 50, "medmcqa": 30, "medqa": 10, "single_turn_qa": 5, "multi_turn_conversation": 5,
        "pubmedqa_ar": 5, "medmcqa_ar": 5, "medqa_ar": 0, "single_turn_qa_ar": 5, "multi_turn_conversation_ar": 35,
    }  # fmt: skip


@pytest.mark.parametrize("n_rows", [1, 2, 3, 100, 2500, 1_300_000])
@pytest.mark.parametrize("ratio", [0.5, 1.0, 0.3])
def test_the_counts_add_up_and_each_language_is_off_by_less_than_a_row(n_rows, ratio):
    counts = bimed13m_counts(SAMPLES, n_rows=n_rows, arabic_per_english=ratio)

    exact = Fraction(str(ratio))
    assert sum(counts.values()) == n_rows
    assert abs(sum(of_language(counts, "ar").values()) - n_rows * exact / (1 + exact)) < 1
    for language in ("en", "ar"):
        mine = of_language(counts, language)
        whole = sum(SAMPLES[one] for one in mine)
        for source, n in mine.items():
            assert abs(n - Fraction(sum(mine.values()) * SAMPLES[source], whole)) < 1


def test_the_whole_set_wants_more_of_the_english_sources_than_table_12_has():
    counts = bimed13m_counts(SAMPLES, n_rows=1_300_000, arabic_per_english=0.5)

    assert sum(of_language(counts, "en").values()) == 866_667
    assert all(counts[source] > SAMPLES[source] for source in TEXT_SOURCES)
    assert all(counts[f"{source}_ar"] < SAMPLES[f"{source}_ar"] for source in TEXT_SOURCES)


def test_synthesised_chats_are_taken_whole_and_published_ones_give_way():
    without = bimed13m_counts(EASY, n_rows=150, arabic_per_english=0.5)
    counts = bimed13m_counts(EASY, n_rows=150, arabic_per_english=0.5, chats={"en": 2, "ar": 12})

    assert counts == without | {
        "multi_turn_conversation": 3, SYNTHESISED: 2, "multi_turn_conversation_ar": 23, f"{SYNTHESISED}_ar": 12
    }  # fmt: skip
    assert sum(counts.values()) == 150


def test_more_chats_than_places_for_conversations_take_them_all_and_no_more():
    counts = bimed13m_counts(EASY, n_rows=150, arabic_per_english=0.5, chats={"en": 6})

    assert (counts["multi_turn_conversation"], counts[SYNTHESISED]) == (0, 5)
    assert sum(of_language(counts, "en").values()) == 100


def test_a_language_without_chats_has_no_part_for_them():
    counts = bimed13m_counts(EASY, n_rows=150, arabic_per_english=0.5, chats={"en": 0, "ar": 1})

    assert [one for one in counts if one.startswith(SYNTHESISED)] == [f"{SYNTHESISED}_ar"]


def test_what_cannot_be_shared_out_is_an_error():
    lacking = {source: n for source, n in EASY.items() if source != "medqa_ar"}

    with pytest.raises(DataError, match="lacks text rows of medqa"):
        bimed13m_counts(lacking, n_rows=150, arabic_per_english=0.5)
    with pytest.raises(DataError, match="0 rows; expected at least 1"):
        bimed13m_counts(EASY, n_rows=0, arabic_per_english=0.5)
    with pytest.raises(DataError, match="more than 0 and at most 1"):
        bimed13m_counts(EASY, n_rows=150, arabic_per_english=0.0)
