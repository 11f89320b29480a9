import json
from collections import Counter

import pyarrow
import pytest
from pyarrow import parquet
from shared_data import real

from bimedix2_core.data.sources import BadRows, WrongFileError, read_source
from bimedix2_core.errors import DataError
from bimedix2_core.records import text_of

SUBJECTS = {  # test rows, from shared/data/README.md
    "anatomy": 135,
    "clinical_knowledge": 265,
    "college_biology": 144,
    "college_medicine": 173,
    "medical_genetics": 100,
    "professional_medicine": 272,
}

# shared/notes/formats.md, "MedMCQA (documented)"; question and explanation are made up
MEDMCQA = {
    "id": "e9ad",
    "question": "Which vitamin is made in the skin?",
    "opa": "Vitamin A",
    "opb": "Vitamin C",
    "opc": "Vitamin D",
    "opd": "Vitamin K",
    "cop": 2,
    "choice_type": "single",
    "exp": "Under ultraviolet light.",
    "subject_name": "Physiology",
    "topic_name": None,
}
# shared/notes/formats.md, "MedQA four options, GBaker layout (documented)" and its -hf variant
MEDQA = {
    "question": "What lowers fever?",
    "answer": "Paracetamol",
    "options": {"A": "Insulin", "B": "Paracetamol", "C": "Iodine", "D": "Zinc"},
    "meta_info": "step1",
    "answer_idx": "B",
}
MEDQA_HF = {
    "id": "test-00001",
    "sent1": "What lowers fever?",
    "sent2": "",
    "ending0": "Insulin",
    "ending1": "Paracetamol",
    "ending2": "Iodine",
    "ending3": "Zinc",
    "label": 1,
}
# the hub's layout of PubMedQA, as in the brief of the reader: pubid, question, context, long_answer, final_decision
PUBMEDQA_HUB = {
    "pubid": 21645374,
    "question": "Does it help?",
    "context": {
        "contexts": ["Patients were asked.", "Half said yes."],
        "labels": ["METHODS", "RESULTS"],
        "meshes": ["Pain"],
    },
    "long_answer": "It may help.",
    "final_decision": "maybe",
}


def read(source_id, file, *records, limit=0):
    """Rows of a small file of JSON Lines, and the bad rows."""
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    bad_rows = BadRows(limit)
    return list(read_source(source_id, file, bad_rows=bad_rows)), bad_rows


def said(row):
    return [text_of(turn) for turn in row.messages]


def test_the_labelled_pubmedqa_is_read_whole_and_its_decisions_are_letters():
    rows = list(read_source("pubmedqa", real("pubmedqa/ori_pqal.json"), bad_rows=BadRows(0)))
    official = json.loads(real("pubmedqa/test_ground_truth.json").read_text())

    first = rows[0]
    assert Counter(row.answer for row in rows) == {"A": 552, "B": 338, "C": 110}  # shared/data/README.md
    assert Counter(row.answer for row in rows if row.id in official) == {"A": 276, "B": 169, "C": 55}
    assert (first.id, first.language, first.task, first.choices) == ("21645374", "en", "mcq", ("yes", "no", "maybe"))
    assert said(first)[0].startswith("Programmed cell death (PCD) is the regulated death of cells within an organism.")
    assert said(first)[0].endswith(
        "\n\nDo mitochondria play a role in remodelling lace plant leaves during programmed cell death?"
        "\nA. yes\nB. no\nC. maybe"
    )
    assert said(first)[1].startswith("A. yes\n\nResults depicted mitochondrial dynamics in vivo")
    assert (first.facts["YEAR"], first.facts["LABELS"]) == ("2011", '["BACKGROUND", "RESULTS"]')


def test_the_hub_layout_of_pubmedqa_gives_the_same_kind_of_row(tmp_path):
    file = tmp_path / "train.parquet"
    parquet.write_table(pyarrow.Table.from_pylist([PUBMEDQA_HUB]), file)

    [row] = read_source("pubmedqa", file, bad_rows=BadRows(0))

    assert said(row) == [
        "Patients were asked.\n\nHalf said yes.\n\nDoes it help?\nA. yes\nB. no\nC. maybe",
        "C. maybe\n\nIt may help.",
    ]
    assert (row.id, row.answer) == ("21645374", "C")
    assert row.facts == {"LABELS": '["METHODS", "RESULTS"]', "MESHES": '["Pain"]'}


def test_a_pubmedqa_question_without_a_decision_is_an_open_one(tmp_path):
    [row], _ = read("pubmedqa", tmp_path / "q.jsonl", {k: v for k, v in PUBMEDQA_HUB.items() if k != "final_decision"})

    assert (row.task, row.choices, row.answer) == ("qa", (), "")
    assert said(row) == ["Patients were asked.\n\nHalf said yes.\n\nDoes it help?", "It may help."]


def test_a_medmcqa_key_counts_from_zero_and_a_secret_one_leaves_no_answer(tmp_path):
    rows, _ = read("medmcqa", tmp_path / "q.jsonl", MEDMCQA, MEDMCQA | {"cop": 0, "exp": None}, MEDMCQA | {"cop": -1})

    assert [row.answer for row in rows] == ["C", "A", ""]
    assert said(rows[0]) == [
        "Which vitamin is made in the skin?\nA. Vitamin A\nB. Vitamin C\nC. Vitamin D\nD. Vitamin K",
        "C. Vitamin D\n\nUnder ultraviolet light.",
    ]
    assert said(rows[1])[1] == "A. Vitamin A"
    assert len(rows[2].messages) == 1
    assert rows[0].facts == {"choice_type": "single", "subject_name": "Physiology"}


def test_a_medmcqa_file_that_counts_from_one_is_refused_whatever_the_limit(tmp_path):
    with pytest.raises(WrongFileError, match=r"q\.jsonl, line 2: cop is 4; .* authors' own files count from 1"):
        read("medmcqa", tmp_path / "q.jsonl", MEDMCQA, MEDMCQA | {"cop": 4}, limit=1000)


def test_both_layouts_of_medqa_give_the_same_question(tmp_path):
    [plain], _ = read("medqa", tmp_path / "test.jsonl", MEDQA)
    [hf], _ = read("medqa", tmp_path / "test.json", MEDQA_HF)

    assert plain.messages == hf.messages
    assert said(hf) == ["What lowers fever?\nA. Insulin\nB. Paracetamol\nC. Iodine\nD. Zinc", "B. Paracetamol"]
    assert (plain.id, plain.answer, plain.facts) == ("test-0", "B", {"meta_info": "step1"})
    assert (hf.id, hf.answer) == ("test-00001", "B")


@pytest.mark.parametrize("language", ["en", "ar"])
def test_medical_mmlu_has_its_1089_test_questions_in_six_subjects(language):
    source = {"en": "mmlu_medical", "ar": "mmlu_medical_ar"}[language]
    counts = Counter(
        (row.facts["subject"], row.facts["split"], row.language)
        for file in sorted(real(f"mmlu_medical_{language}").glob("*.csv"))
        for row in read_source(source, file, bad_rows=BadRows(0))
    )

    assert counts == {
        (subject, split, language): n
        for subject, tests in SUBJECTS.items()
        for split, n in (("test", tests), ("dev", 5))
    }


def test_the_mmlu_twins_share_their_id_and_all_keys_agree():
    keys = [
        {
            row.id: row.answer
            for subject in SUBJECTS
            for row in read_source(source, real(f"{folder}/{subject}_test.csv"), bad_rows=BadRows(0))
        }
        for source, folder in (("mmlu_medical", "mmlu_medical_en"), ("mmlu_medical_ar", "mmlu_medical_ar"))
    ]

    assert len(keys[0]) == 1089
    assert keys[0] == keys[1]


def test_an_mmlu_row_says_what_its_csv_line_says():
    [first, second, *_] = read_source("mmlu_medical", real("mmlu_medical_en/anatomy_test.csv"), bad_rows=BadRows(0))

    assert said(first) == [  # line 2 of the file, read by eye: key 0
        "A lesion causing compression of the facial nerve at the stylomastoid foramen will cause ipsilateral\n"
        "A. paralysis of the facial muscles.\n"
        "B. paralysis of the facial muscles and loss of taste.\n"
        "C. paralysis of the facial muscles, loss of taste and lacrimation.\n"
        "D. paralysis of the facial muscles, loss of taste, lacrimation and decreased salivation.",
        "A. paralysis of the facial muscles.",
    ]
    assert (first.id, second.id, second.answer) == ("anatomy_test-0", "anatomy_test-1", "B")


def test_the_209_defective_arabic_rows_are_read_as_they_stand():
    defective = Counter(
        row.facts["subject"]
        for subject in SUBJECTS
        for row in read_source("mmlu_medical_ar", real(f"mmlu_medical_ar/{subject}_test.csv"), bad_rows=BadRows(0))
        if any("TTL" in choice for choice in row.choices)
    )

    assert defective == {  # shared/data/README.md, known defects
        "professional_medicine": 155,
        "college_medicine": 26,
        "college_biology": 13,
        "anatomy": 9,
        "clinical_knowledge": 5,
        "medical_genetics": 1,
    }


def test_apollo_is_read_with_its_collections_and_abstracts():
    english = list(read_source("apollo", real("apollo/dev_en.json"), bad_rows=BadRows(0)))
    arabic = list(read_source("apollo_ar", real("apollo/test_ar.json"), bad_rows=BadRows(0)))

    collections = Counter(row.facts["collection"] for row in english)
    assert collections == {"medmcqa": 210, "mmlu-medical": 92, "medqa-usmle": 61, "pubmedqa": 53}  # README of the data
    assert len(arabic) == 1088
    assert {row.language for row in arabic} == {"ar"}
    pubmedqa = next(row for row in english if row.facts["collection"] == "pubmedqa")
    assert said(pubmedqa) == [
        "This study examines whether having a regular clinician for preventive care is associated with quality of care "
        "for young children, as measured by interpersonal quality ratings and content of anticipatory guidance.\n\n"
        "Does having a regular primary care clinician improve quality of preventive care for young children?\n"
        "A. Yes.\nB. No.\nC. Maybe.",
        "A. Yes.",
    ]


def test_an_apollo_option_that_goes_on_in_a_second_line_stays_one_option():
    rows = read_source("apollo", real("apollo/dev_en.json"), bad_rows=BadRows(0))

    broken = [choice for row in rows for choice in row.choices if "\n" in choice]

    assert [choice[-20:] for choice in broken] == ['hest with breathing\n".'[-20:], 'ood cell infiltration\n".'[-20:]]


APOLLO = {"question": "Q?", "options": "(A) Vitamin C deficiency: A\n(B) Scurvy", "answer": "(B)", "source": "medmcqa"}


def test_an_option_letter_inside_an_option_is_not_an_option(tmp_path):
    [row], _ = read("apollo", tmp_path / "dev.jsonl", APOLLO | {"options": "(A) as (B) says\n(B) no"})

    assert row.choices == ("as (B) says", "no")


@pytest.mark.parametrize(
    ("source", "record", "problem"),
    [
        ("medmcqa", MEDMCQA | {"cop": 5}, "cop is 5; expected 0 to 3"),
        ("medmcqa", MEDMCQA | {"opb": None}, "an option is None; expected text"),
        ("medmcqa", {k: v for k, v in MEDMCQA.items() if k != "cop"}, "no field 'cop'; it has 'id', 'question'"),
        ("medqa", MEDQA | {"answer": "x", "answer_idx": "E"}, "the key is 'E'; expected one of A, B, C, D"),
        ("medqa", MEDQA | {"answer_idx": "b"}, "the key is 'b'; expected a letter, or a number from 0"),
        ("medqa", MEDQA | {"answer_idx": "A"}, "answer_idx is 'A', but the answer 'Paracetamol' is another option"),
        ("medqa", MEDQA | {"options": {"B": "x", "A": "y"}}, "expected an object with the letters A, B, ... in order"),
        ("medqa", MEDQA_HF | {"label": -1}, "the key is -1"),
        ("apollo", APOLLO | {"answer": "(C)"}, "the key is 'C'; expected one of A, B"),
        ("apollo", APOLLO | {"options": "(B) x\n(A) y"}, "expected lines (A) ..., (B) ... in order"),
        ("apollo", APOLLO | {"options": "(A) only"}, "1 options; expected at least 2"),
        (
            "pubmedqa",
            PUBMEDQA_HUB | {"final_decision": "Yes"},
            "final_decision is 'Yes'; expected one of yes",
        ),
        ("pubmedqa", PUBMEDQA_HUB | {"context": {"contexts": "one"}}, "contexts are 'one'; expected a list"),
        ("pubmedqa", PUBMEDQA_HUB | {"question": " "}, "question is blank"),
        ("mmlu_medical", {"question": "Q", "choices": ["a", "b"], "answer": 2}, "the key is 'C'; expected one of A, B"),
    ],
)
def test_a_question_that_cannot_be_right_is_a_bad_row_with_its_place(tmp_path, source, record, problem):
    with pytest.raises(DataError, match=r"q\.jsonl, line 1: ") as stopped:
        read(source, tmp_path / "q.jsonl", record)
    rows, bad_rows = read(source, tmp_path / "q.jsonl", record, limit=2)

    assert problem in str(stopped.value)
    assert rows == []
    assert problem in bad_rows.found[0].problem


def test_an_answer_that_repeats_no_option_word_for_word_is_left_to_the_key(tmp_path):
    [row], _ = read("medqa", tmp_path / "q.jsonl", MEDQA | {"answer": "paracetamol"})

    assert row.answer == "B"


def test_the_arabic_mmlu_reader_says_so_when_it_is_given_the_english_file(tmp_path):
    (tmp_path / "anatomy_test.csv").write_text("question,choice0,choice1,choice2,choice3,answer\nQ,a,b,c,d,0\n")

    with pytest.raises(DataError, match=r"anatomy_test\.csv, line 1: the key is 'answer'"):
        list(read_source("mmlu_medical_ar", tmp_path / "anatomy_test.csv", bad_rows=BadRows(0)))
