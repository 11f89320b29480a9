"""The stand-in of BiMed-MBench: in the published files, odd where they are, about phantoms that nobody trained on."""

import json
import random
from collections import Counter
from functools import cache

import pytest

from bimedix2_core.bench.mbench import audit
from bimedix2_core.bench.mbench.facts import FIRST_FLAG, domains
from bimedix2_core.bench.mbench.questions import pairs, read
from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.data.images import read_image
from bimedix2_core.data.language import language_of
from bimedix2_core.data.sources import BadRows, read_source, write_bimed_mbench
from bimedix2_core.demo import corpus
from bimedix2_core.demo.mbench_set import DOMAINS, read_truths, write_mbench
from bimedix2_core.demo.phantoms import FINDINGS
from bimedix2_core.errors import DataError
from bimedix2_core.records import text_of

ENGLISH_FIELDS = [
    "question_id", "image", "pair_id", "text", "gpt4_answer", "fig_caption", "fig_label", "in_text_mention", "domain",
    "type",
]  # fmt: skip
"""shared/notes/formats.md, "LLaVA-Med visual-chat questions"."""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_mbench(tmp_path_factory.mktemp("mbench"), n_images=50, seed=0)


@pytest.fixture(scope="module")
def questions(files):
    return read({"en": files.english, "ar": files.arabic}, image_folder=files.images)


@pytest.fixture(scope="module")
def truths(files):
    return read_truths(files.truths)


def records(file):
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


# --- the published form -----------------------------------------------------------------------------------------------


def test_fifty_images_have_the_questions_of_the_published_set(questions, files):
    """193 a language on 50 images: 143 conversations before 50 descriptions (facts.md, 8.1); no marker, all paired."""
    english = questions.of("en")

    assert [row.kind for row in english] == ["conversation"] * 143 + ["detailed_description"] * 50
    assert [row.id for row in english] == [row.id for row in questions.of("ar")] == [str(n) for n in range(193)]
    assert len(list(files.images.iterdir())) == 50
    assert Counter(domains(row, FIRST_FLAG)[0] for row in english[143:]) == {
        "chest_xray": 10, "mri": 10, "histology": 11, "gross": 9, "ct_scan": 10,
    }  # fmt: skip
    assert {name for name, _ in questions.audit.counts()} == {
        audit.TWO_DOMAINS, audit.NO_MENTION, audit.EMPTY_MENTION, audit.ENGLISH_MENTION, audit.TRANSLATED_TYPE,
        audit.NO_MARKER,
    }  # fmt: skip


def test_the_fields_are_the_published_ones_and_the_arabic_file_adds_two(files):
    english, arabic = records(files.english), records(files.arabic)

    assert all(list(record) == ENGLISH_FIELDS for record in english)
    assert all(set(record) == {*ENGLISH_FIELDS, "qid", "in_text_mention_tokens"} for record in arabic)
    assert all(record["pair_id"] + ".png" == record["image"] for record in english)
    assert all(set(record["domain"].values()) == {True, False} for record in english)


def test_the_first_and_the_last_image_carry_two_domains(questions):
    for language in ("en", "ar"):
        assert questions.audit.details(audit.TWO_DOMAINS, language) == {"histology, gross": 4, "chest_xray, ct_scan": 4}


def test_missing_mentions_are_null_in_english_and_an_empty_text_in_arabic(files):
    english, arabic = records(files.english), records(files.arabic)
    without = [record["question_id"] for record in english if record["in_text_mention"] is None]

    assert 10 <= len(without) <= 20  # 14 in the published file
    assert [record["question_id"] for record in arabic if record["in_text_mention"] == ""] == without
    assert all(isinstance(record["in_text_mention"], list) for record in arabic if record["qid"] not in without)
    assert all((record["in_text_mention_tokens"] == "") == (record["qid"] in without) for record in arabic)


def test_descriptions_have_translated_types_in_two_ways_and_one_image_kept_english_mentions(questions):
    translated = questions.audit.details(audit.TRANSLATED_TYPE, "ar")
    english_mentions = questions.audit.ids(audit.ENGLISH_MENTION, "ar")
    rows = {row.id: row for row in questions.of("ar")}

    assert translated == {"وصف تفصيلي": 17, "وصف مفصل": 16}
    assert not questions.audit.ids(audit.TRANSLATED_TYPE, "en")
    assert {rows[id].facts["image"] for id in english_mentions} == {"demo0001_F1.png"}


def test_twins_say_the_same_in_their_own_script(questions):
    for one, other in pairs(questions.rows):
        assert (one.facts["image"], one.facts["domain"], one.kind) == (
            other.facts["image"], other.facts["domain"], other.kind,
        )  # fmt: skip
        for row in (one, other):
            texts = [*map(text_of, row.messages), row.facts["fig_caption"], row.facts["fig_label"]]
            assert {language_of(text) for text in texts} == {row.language}


def test_the_project_writes_what_it_read(files, tmp_path):
    for source, file in (("bimed_mbench", files.english), ("bimed_mbench_ar", files.arabic)):
        rows = list(read_source(source, file, bad_rows=BadRows(0)))
        write_bimed_mbench(rows, tmp_path / "again.jsonl")
        assert records(tmp_path / "again.jsonl") == records(file)


# --- what is asked ----------------------------------------------------------------------------------------------------


def test_images_show_what_the_truths_say(files, truths, questions):
    store = ImageStore(files.images.parent / "store")
    rows = list(
        read_source("bimed_mbench", files.english, bad_rows=BadRows(0), images=store, image_folder=files.images)
    )

    assert set(truths) == {row.facts["image"] for row in rows} == {file.name for file in files.images.iterdir()}
    assert len({row.images for row in rows}) == 50
    for row in rows:
        assert domains(row)[0] == DOMAINS[truths[row.facts["image"]].modality]
    assert read_image(next(iter(files.images.iterdir()))).image.size == (96, 96)


def test_every_finding_is_shown_and_yes_is_as_frequent_as_no(truths, questions):
    shown = {(truth.modality, truth.finding) for truth in truths.values()}
    answers = Counter(text_of(row.messages[-1]) for row in questions.of("en"))

    assert shown == {(modality, finding) for modality, findings in FINDINGS.items() for finding in findings}
    assert answers["Yes."] + answers["No."] >= 20
    assert abs(answers["Yes."] - answers["No."]) <= 2


def test_questions_and_descriptions_are_in_words_kept_for_tests(truths, questions):
    """Of the same image no training question is the same, but for those on the modality, which have one wording."""
    kept = set()
    for row in questions.of("en"):
        truth, question = truths[row.facts["image"]], text_of(row.messages[0])
        if row.kind == "detailed_description":
            held_out = corpus.description(truth, random.Random(0), held_out=True)
            assert (question, text_of(row.messages[-1])) == held_out.turns["en"][0]
        elif question not in _any_modality_question(truth):
            assert question not in _trained(truth), (truth, question)
            kept.add(question)
    assert len(kept) > 20


@cache
def _any_modality_question(truth):
    rng = random.Random(1)
    return {corpus.open_question(truth, "modality", rng, held_out=False).turns["en"][0][0] for _ in range(60)}


@cache
def _trained(truth):
    rng = random.Random(2)
    asked = set()
    for kind in ("finding", "side", "size"):
        if kind in corpus.kinds("open_question", truth):
            asked |= {corpus.open_question(truth, kind, rng, held_out=False).turns["en"][0][0] for _ in range(30)}
    for answer in corpus.closed_answers(truth, "finding"):
        for _ in range(60):
            asked.add(corpus.closed_question(truth, "finding", answer, rng, held_out=False).turns["en"][0][0])
    return asked


# --- drawing ----------------------------------------------------------------------------------------------------------


def test_a_seed_gives_the_same_files_and_another_seed_others(tmp_path):
    contents = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        write_mbench(tmp_path / name, n_images=6, seed=seed)
        found = sorted(file for file in (tmp_path / name).rglob("*") if file.is_file())
        contents.append({file.relative_to(tmp_path / name).as_posix(): file.read_bytes() for file in found})

    assert contents[0] == contents[1]
    assert len(contents[0]) == 9  # 6 images, 2 question files, truths
    assert all(contents[0][name] != contents[2][name] for name in contents[0])


def test_a_small_set_has_every_domain_and_both_oddities(tmp_path):
    files = write_mbench(tmp_path, n_images=5, seed=0)
    found = read({"en": files.english, "ar": files.arabic}, allow_partial=True)

    assert {domain for row in found.rows for domain in domains(row)} == set(DOMAINS.values())
    assert len(found.of("en")) == 5 * 4
    assert found.audit.ids(audit.NO_MENTION, "en")
    with pytest.raises(DataError, match="n_images is 4; expected at least 5, one of each domain"):
        write_mbench(tmp_path / "four", n_images=4, seed=0)


def test_truths_that_are_not_there_are_missed(tmp_path):
    with pytest.raises(DataError, match=r"truths\.json: no truths there; only a set that `write_mbench` drew has them"):
        read_truths(tmp_path / "truths.json")
