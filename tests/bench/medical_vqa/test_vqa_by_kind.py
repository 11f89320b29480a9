import tiny

from bimedix2_core.bench.language_fidelity import IN_LANGUAGE, fidelity
from bimedix2_core.bench.medical_vqa import by_kind


def samples(languages):
    return [tiny.sample(name=str(index), language=language) for index, language in enumerate(languages)]


def test_the_share_in_the_language_asked_is_language_fidelitys():
    languages, texts = ["en", "en", "en", "ar", "ar"], ["left lung", "الرئة", "MRI", "الرئة", "a nodule"]

    rows = by_kind.language_rows(samples(languages), texts)

    assert {(row.metric, row.kind, row.language): (row.estimate.value, row.estimate.n) for row in rows} == {
        ("answers in the language asked", "all", "en"): (0.5, 2),  # MRI is no word of either language
        ("answers in the language asked", "all", "ar"): (0.5, 2),
    }
    assert [row.estimate for row in rows] == [r.estimate for r in fidelity(languages, texts) if r.metric == IN_LANGUAGE]


def test_a_language_without_a_single_word_keeps_its_row_with_share_0():
    english, arabic = by_kind.language_rows(samples(["en", "ar", "ar"]), ["left", "", "42"])

    assert (english.language, english.estimate.value) == ("en", 1.0)
    assert (arabic.language, arabic.estimate.value, arabic.estimate.n) == ("ar", 0.0, 2)
