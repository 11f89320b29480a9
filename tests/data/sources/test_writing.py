import dataclasses
import json

import pytest
from mbench_records import ARABIC, ENGLISH
from shared_data import real

from bimedix2_core.data.sources import BadRows, read_source
from bimedix2_core.data.sources.multiple_choice import multiple_choice
from bimedix2_core.data.sources.writing import bimed_mbench_record, write_bimed_mbench, write_mcq
from bimedix2_core.errors import DataError
from bimedix2_core.records import message


def read(source_id, file):
    return list(read_source(source_id, file, bad_rows=BadRows(0)))


def question(**changes):
    """An Arabic question with four options."""
    given = {
        "id": "anatomy_test-0",
        "language": "ar",
        "source": "mmlu_medical_ar",
        "question": "ما الذي يخفض الحمى؟\n\nاختر واحداً.",
        "choices": ['إنسولين، "حقن"', "باراسيتامول", "يود", "زنك"],
        "answer": "B",
        "facts": {"subject": "anatomy", "split": "test"},
    }
    return multiple_choice(**given | changes)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_bimed_mbench_is_written_value_for_value_as_it_was_published(tmp_path, language):
    source, published = {
        "en": ("bimed_mbench", [ENGLISH, ENGLISH | {"question_id": 143, "in_text_mention": None}]),
        "ar": ("bimed_mbench_ar", [ARABIC, ARABIC | {"question_id": 0, "type": "detailed_description"}]),
    }[language]
    (tmp_path / "q.jsonl").write_text("".join(json.dumps(record) + "\n" for record in published))
    rows = read(source, tmp_path / "q.jsonl")

    written = write_bimed_mbench(rows, tmp_path / "again.jsonl")

    assert [json.loads(line) for line in written.read_text().splitlines()] == published
    assert [bimed_mbench_record(row) for row in rows] == published
    assert read(source, written) == rows


def test_a_translated_bimed_mbench_row_changes_in_its_texts_only(tmp_path):
    (tmp_path / "q.jsonl").write_text(json.dumps(ENGLISH) + "\n")
    [row] = read("bimed_mbench", tmp_path / "q.jsonl")
    messages = [message("user", "ماذا تظهر الصورة؟", images=1), message("assistant", "عقيدة قطرها 8 مم.")]
    twin = dataclasses.replace(row, language="ar", source="bimed_mbench_ar", messages=messages)

    written = json.loads(write_bimed_mbench([twin], tmp_path / "ar.jsonl").read_text())

    assert {name for name in ENGLISH if written[name] != ENGLISH[name]} == {"text", "gpt4_answer"}
    assert read("bimed_mbench_ar", tmp_path / "ar.jsonl") == [twin]


def test_pubmedqa_is_written_value_for_value_as_it_was_published(tmp_path):
    rows = read("pubmedqa", real("pubmedqa/ori_pqal.json"))

    written = write_mcq(rows, tmp_path / "ori_pqal.json", "pubmedqa")

    assert json.loads(written.read_text()) == json.loads(real("pubmedqa/ori_pqal.json").read_text())
    assert read("pubmedqa", written) == rows


@pytest.mark.parametrize(
    ("source", "folder"),
    [("mmlu_medical", "mmlu_medical_en"), ("mmlu_medical_ar", "mmlu_medical_ar")],
)
def test_mmlu_is_written_byte_for_byte_as_it_was_published(tmp_path, source, folder):
    for file in sorted(real(folder).glob("*.csv")):
        written = write_mcq(read(source, file), tmp_path / file.name, source)

        assert written.read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    ("source", "name", "rows"),
    [
        ("mmlu_medical_ar", "anatomy_test.csv", [question(), question(id="anatomy_test-1", answer="D")]),
        (
            "medmcqa_ar",
            "dev.json",
            [
                question(id="x-1", source="medmcqa_ar", explanation="لأنه\n\nخافض.", facts={"choice_type": "single"}),
                question(id="x-2", source="medmcqa_ar", answer="", facts={}),
            ],
        ),
        ("medqa_ar", "test.jsonl", [question(id="test-0", source="medqa_ar", facts={"meta_info": "step1"})]),
        (
            "pubmedqa_ar",
            "pqal.json",
            [
                question(
                    id="21645374",
                    source="pubmedqa_ar",
                    question="هل يفيد؟",
                    choices=["نعم", "لا", "ربما"],
                    contexts=["سئل المرضى.", "قال نصفهم نعم."],
                    explanation="لا يفيد.",
                    facts={"LABELS": '["METHODS", "RESULTS"]', "YEAR": "2011"},
                )
            ],
        ),
    ],
)
def test_what_is_read_from_a_written_file_are_the_rows_that_were_written(tmp_path, source, name, rows):
    assert read(source, write_mcq(rows, tmp_path / name, source)) == rows


def test_a_published_decision_stays_english_whatever_the_options_say(tmp_path):
    row = question(id="1", choices=["نعم.", "كلا", "محتمل"], explanation="لا.", facts={})

    written = write_mcq([row], tmp_path / "q.json", "pubmedqa_ar")

    assert json.loads(written.read_text())["1"]["final_decision"] == "no"


@pytest.mark.parametrize(
    ("row", "source", "problem"),
    [
        (question(id="anatomy_test-3"), "mmlu_medical_ar", "would be read back as 'anatomy_test-0'"),
        (question(), "mmlu_medical", "is mcq in 'ar'; mmlu_medical holds mcq in 'en'"),
        (question(), "apollo", "no layout to write 'apollo' in; known: mmlu_medical"),
        (question(answer=""), "mmlu_medical_ar", "4 options, key ''; MMLU has four options and a key"),
        (question(choices=["a", "b", "c"]), "medmcqa_ar", "3 options; MedMCQA has four"),
        (question(answer=""), "medqa_ar", "has no key"),
        (question(), "pubmedqa_ar", "4 options, key 'B'; PubMedQA has three and a key"),
        (
            question(choices=["a", "b", "c"], contexts=["one"], facts={"LABELS": '["A", "B"]'}),
            "pubmedqa_ar",
            "1 contexts before the question, but 2 labels",
        ),
        (
            dataclasses.replace(question(), choices=("a", "b", "c", "d")),
            "medmcqa_ar",
            "the question does not end with the lines of its choices",
        ),
        (
            dataclasses.replace(question(), answer="A"),
            "medmcqa_ar",
            "does not begin with its option",
        ),
    ],
)
def test_a_row_that_would_not_come_back_is_not_written(tmp_path, row, source, problem):
    with pytest.raises(DataError) as refused:
        write_mcq([row], tmp_path / "anatomy_test.csv", source)

    assert problem in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_an_answer_that_only_begins_like_its_option_is_refused(tmp_path):
    row = question(choices=["a", "b", "c", "d"], id="1")
    longer = dataclasses.replace(row, messages=[row.messages[0], message("assistant", "B. bc")])

    with pytest.raises(DataError, match=r"the answer 'B\. bc' does not begin with its option 'B\. b'"):
        write_mcq([longer], tmp_path / "q.json", "medmcqa_ar")


def test_two_rows_with_one_id_are_not_written_over_each_other(tmp_path):
    row = question(id="1", choices=["a", "b", "c"], facts={})

    with pytest.raises(DataError, match="2 rows, but 1 ids"):
        write_mcq([row, row], tmp_path / "q.json", "pubmedqa_ar")


def test_a_multiple_choice_is_no_bimed_mbench_row(tmp_path):
    with pytest.raises(DataError, match="is no BiMed-MBench row"):
        write_bimed_mbench([question()], tmp_path / "q.jsonl")
