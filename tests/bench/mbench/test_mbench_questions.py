"""The question files: 193 in each language, joined by id, their defects counted and listed."""

import dataclasses

import pytest
from mbench_files import TRANSLATED, figures, files, records, written
from PIL import Image

from bimedix2_core.bench.mbench import (
    DOMAINS,
    FIRST_FLAG,
    PAPER,
    domains,
    kind,
    mentions_of,
    pairs,
    query,
    question_of,
    read,
    reference_of,
)
from bimedix2_core.bench.mbench.audit import (
    EMPTY_MENTION,
    ENGLISH_MENTION,
    NO_DOMAIN,
    NO_FILE,
    NO_MARKER,
    NO_MENTION,
    TRANSLATED_TYPE,
    TWO_DOMAINS,
    UNPAIRED,
)
from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.errors import DataError


@pytest.fixture
def questions(tmp_path):
    return read(files(tmp_path))


def changed(folder, language="en", **changes) -> dict:
    """The published files, fields of question 0 replaced in one of them."""
    lines = records(language)
    lines[0] |= changes
    return files(folder) | {language: written(folder / f"{language}-changed.jsonl", lines)}


def test_both_files_have_193_questions_with_the_published_proportions(questions):
    for language in ("en", "ar"):
        own = questions.of(language)
        by_type = [sum(kind(row) == name for row in own) for name in ("conversation", "detailed_description")]
        first = [sum(domains(row, FIRST_FLAG) == (name,) for row in own) for name in DOMAINS]
        every = [sum(name in domains(row) for row in own) for name in DOMAINS]

        assert (len(own), by_type) == (193, [143, 50])
        assert first == [37, 38, 44, 34, 40]  # facts.md 8.1
        assert every == [37, 38, 44, 38, 44]  # 4 more gross, 4 more CT


def test_of_two_domains_the_paper_counts_the_first_in_the_scripts_order_and_we_count_both(questions):
    both = [row for row in questions.of("en") if len(domains(row)) > 1]

    assert [row.id for row in both] == ["0", "1", "2", "140", "141", "142", "143", "192"]
    assert domains(both[0]) == ("histology", "gross")
    assert domains(both[0], FIRST_FLAG) == ("histology",)
    assert domains(both[3]) == ("chest_xray", "ct_scan")
    assert domains(both[3], FIRST_FLAG) == ("chest_xray",)
    with pytest.raises(DataError, match="no domain rule 'last' of BiMed-MBench; known: all flags, first flag"):
        domains(both[0], "last")


def test_a_translated_type_is_understood_by_us_and_lost_to_the_paper(questions):
    arabic = questions.of("ar")

    assert sum(kind(row) == "detailed_description" for row in arabic) == 50
    assert sum(kind(row, PAPER) == "detailed_description" for row in arabic) == 14
    assert sum(kind(row, PAPER) == "" for row in arabic) == 36
    assert sum(kind(row, PAPER) == "detailed_description" for row in questions.of("en")) == 50


def test_the_audit_counts_and_lists_what_is_wrong(questions):
    audit = questions.audit

    assert audit.counts() == {
        (TWO_DOMAINS, "en"): 8, (TWO_DOMAINS, "ar"): 8,
        (NO_MENTION, "en"): 14, (EMPTY_MENTION, "ar"): 14,
        (TRANSLATED_TYPE, "ar"): 36,
        (ENGLISH_MENTION, "ar"): 2,
        (NO_MARKER, "en"): 193, (NO_MARKER, "ar"): 193,
    }  # fmt: skip
    assert audit.ids(ENGLISH_MENTION, "ar") == ("7", "161")
    assert audit.details(TRANSLATED_TYPE, "ar") == {TRANSLATED[0]: 20, TRANSLATED[1]: 16}
    assert audit.details(TWO_DOMAINS, "en") == {"histology, gross": 4, "chest_xray, ct_scan": 4}


def test_llava_meds_image_marker_is_no_part_of_the_question_and_its_absence_costs_no_text(tmp_path, questions):
    marked = [line | {"text": line["text"] + "\n<image>"} for line in records()]
    read_marked = read({"en": written(tmp_path / "marked.jsonl", marked)})

    assert read_marked.rows == questions.of("en")
    assert question_of(questions.rows[5]) == "What is seen, question 5?"  # the published script cuts 8 characters
    assert (NO_MARKER, "en") not in read_marked.audit.counts()


def test_a_question_without_any_domain_counts_in_none_and_is_listed(tmp_path):
    nowhere = dict.fromkeys(records()[0]["domain"], False)
    found = read({"en": changed(tmp_path, domain=nowhere)["en"]})

    assert found.audit.ids(NO_DOMAIN, "en") == ("0",)
    assert domains(found.rows[0]) == domains(found.rows[0], FIRST_FLAG) == ()


def test_a_flag_that_is_text_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"question '0' \(en\): domain flags {'mri': 'false'}; expected true or false"):
        read(changed(tmp_path, domain=records()[0]["domain"] | {"mri": "false"}))


def test_a_row_of_another_benchmark_is_refused(questions):
    with pytest.raises(DataError, match="row '0' of bimed_mbench is no BiMed-MBench row: it has no domain flags"):
        domains(dataclasses.replace(questions.rows[0], facts={}))


def test_mentions_are_their_sentences_and_none_where_the_file_has_null_or_nothing(questions):
    english, arabic = questions.of("en"), questions.of("ar")

    assert mentions_of(english[0]) == ("The lesion is seen in figure 1.",)
    assert mentions_of(english[20]) == mentions_of(arabic[20]) == ()


def test_a_mention_in_another_form_is_named(tmp_path):
    with pytest.raises(DataError, match=r"question '0' \(ar\): in_text_mention is .*; expected a list of objects"):
        read(changed(tmp_path, "ar", in_text_mention=["plain"]))


def test_the_languages_are_joined_by_id_whatever_the_order_of_the_files(tmp_path):
    both = files(tmp_path) | {"ar": written(tmp_path / "reversed.jsonl", records("ar")[::-1])}
    twins = pairs(read(both).rows)

    assert len(twins) == 193
    assert all(english.id == arabic.id for english, arabic in twins)
    assert reference_of(twins[3][1]) == "آفة، جواب 3."


def test_a_part_of_the_benchmark_is_refused_unless_it_is_allowed(tmp_path):
    part = {"en": written(tmp_path / "part.jsonl", records()[:192])}

    with pytest.raises(DataError, match=r"part.jsonl: 192 questions; expected 193: get the whole file, or allow"):
        read(part)
    assert len(read(part, allow_partial=True).rows) == 192
    with pytest.raises(DataError, match=r"empty.jsonl: 0 questions"):
        read({"en": written(tmp_path / "empty.jsonl", [])}, allow_partial=True)


def test_an_id_that_comes_twice_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"1 question ids come twice \('5'\); expected each once"):
        read(changed(tmp_path, question_id=5))


def test_a_broken_line_is_named(tmp_path):
    whole = files(tmp_path)["en"]
    whole.write_text(whole.read_text("utf-8").replace('"question_id": 9,', '"question_id": 9', 1), "utf-8")

    with pytest.raises(DataError, match=r"en.jsonl, line 10: not JSON"):
        read({"en": whole})


def test_an_unknown_type_is_refused_rather_than_dropped(tmp_path):
    with pytest.raises(DataError, match="type is 'Beschreibung'; expected one of conversation, detailed_description"):
        read(changed(tmp_path, type="Beschreibung"))


def test_files_of_two_releases_are_refused_or_listed(tmp_path):
    other = changed(tmp_path, "ar", image="100049_F1.jpg")
    one_less = files(tmp_path) | {"ar": written(tmp_path / "less.jsonl", records("ar")[1:])}

    with pytest.raises(DataError, match="do not belong together: 2 questions are another image in the other language"):
        read(other)
    with pytest.raises(DataError, match=r"less.jsonl: 192 questions"):
        read(one_less)
    assert read(one_less, allow_partial=True).audit.ids(UNPAIRED, "en") == ("0",)


def test_a_language_without_a_source_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"files for \['fr'\]; expected en or ar"):
        read({"fr": tmp_path / "x"})


def test_a_query_shows_the_figure_before_the_question_and_not_the_reference(tmp_path):
    store = ImageStore(tmp_path / "store")
    row = read(files(tmp_path), images=store, image_folder=figures(tmp_path / "figures")).rows[0]

    asked = query(row, store.open)

    assert [part["type"] for part in asked.prompt[0]["content"]] == ["image", "text"]
    assert [turn["role"] for turn in asked.prompt] == ["user"]
    assert asked.images[0].size == (8, 8)
    assert "answer 0" not in str(asked.prompt)


def test_a_query_of_a_row_without_its_figure_says_so(questions):
    with pytest.raises(DataError, match=r"question '0' \(en\) has no figure; read the questions with an image store"):
        query(questions.rows[0], Image.open)


def test_missing_figures_are_listed_and_their_questions_left_out_only_if_allowed(tmp_path):
    folder = figures(tmp_path / "figures")
    (folder / "100049_F1.jpg").unlink()
    store = ImageStore(tmp_path / "store")

    assert read(files(tmp_path), image_folder=folder).audit.details(NO_FILE, "en") == {"100049_F1.jpg": 4}
    with pytest.raises(DataError, match=r"1 figures of 4 questions are not there \('100049_F1.jpg'\); download"):
        read(files(tmp_path), images=store, image_folder=folder)
    kept = read(files(tmp_path), images=store, image_folder=folder, allow_partial=True)
    assert (len(kept.of("en")), len(kept.of("ar"))) == (189, 189)
    assert all(row.images for row in kept.rows)


def test_a_truncated_figure_and_a_forgotten_folder_are_named(tmp_path):
    folder = figures(tmp_path / "figures")
    whole = (folder / "100003_F1.jpg").read_bytes()
    (folder / "100003_F1.jpg").write_bytes(whole[: len(whole) // 2])

    with pytest.raises(DataError, match=r"100003_F1\.jpg"):
        read(files(tmp_path), images=ImageStore(tmp_path / "store"), image_folder=folder)
    with pytest.raises(DataError, match="no image folder was given"):
        read(files(tmp_path), images=ImageStore(tmp_path / "store"))
