"""Leaks known to be in published files: shared/data/README.md, "Known defects of the data"."""

import csv
import json

from shared_data import real

from bimedix2_core.data.decontaminate import Index, Report, Tally, scan
from bimedix2_core.records import Row, message

LETTERS = "ABCD"
WITH_IMAGE = ("image_question_answer", "image_question", "image")


def records(name: str) -> list[dict]:
    return json.loads(real(name).read_text(encoding="utf-8"))


def visual(source: str, record: dict, image: str) -> Row:
    answer = str(record["answer"])
    messages = [message("user", record["question"], images=1), message("assistant", answer)]
    return Row(str(record["qid"]), "en", "vqa", source, messages, answer=answer, facts={"image": image})


def rad_vqa(split: str) -> list[Row]:
    return [visual("Rad-VQA", record, record["image_name"]) for record in records(f"vqa_rad/{split}set.json")]


def slake(split: str) -> list[Row]:
    return [
        visual("SLAKE", record, record["img_name"])
        for record in records(f"slake/{split}.json")
        if record["q_lang"] == "en"
    ]


def mmlu(language: str) -> list[Row]:
    rows = []
    for path in sorted(real(f"mmlu_medical_{language}").glob("*_test.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for number, (question, *choices, key) in enumerate(list(csv.reader(file))[language == "en" :]):
                letter = LETTERS[int(key)] if key.isdigit() else key
                lines = [f"{letter}. {choice}" for letter, choice in zip(LETTERS, choices, strict=True)]
                messages = [message("user", "\n".join([question, *lines]))]
                row_id = f"{path.stem}-{number}"
                rows.append(Row(row_id, language, "mcq", "mmlu", messages, choices=tuple(choices), answer=letter))
    return rows


def pubmedqa() -> list[Row]:
    return [
        Row(
            key,
            "en",
            "mcq",
            "pubmedqa",
            [message("user", "\n\n".join([*record["CONTEXTS"], record["QUESTION"]]))],
            answer=record["final_decision"],
        )
        for key, record in records("pubmedqa/ori_pqal.json").items()
    ]


def scanned(benchmarks: dict[str, list[Row]], training: list[Row]) -> Report:
    index = Index.build(benchmarks)
    tally = Tally(index)
    for _ in scan(training, index, tally):
        pass
    return tally.report()


def test_all_203_test_images_of_rad_vqa_occur_in_its_training_split():
    test, report = rad_vqa("test"), scanned({"Rad-VQA": rad_vqa("test")}, rad_vqa("train"))

    touched = report.touched("Rad-VQA", WITH_IMAGE)

    ids = {item.id for item in touched}
    assert len({row.facts["image"] for row in test if row.id in ids}) == 203
    assert len(touched) == len(test) == 451
    assert report.clean_ids("Rad-VQA") == []


def test_rad_vqa_repeats_14_triplets_and_86_questions_verbatim_and_a_few_more_when_normalised():
    test, train = records("vqa_rad/testset.json"), records("vqa_rad/trainset.json")
    images_asked = {(record["image_name"], record["question"]) for record in train}
    triplets = {(record["image_name"], record["question"], str(record["answer"])) for record in train}
    questions = {record["question"] for record in train}
    verbatim = {str(record["qid"]) for record in test if record["question"] in questions}
    identical = {str(r["qid"]) for r in test if (r["image_name"], r["question"], str(r["answer"])) in triplets}
    assert len(verbatim) == 86
    assert len(identical) == sum((record["image_name"], record["question"]) in images_asked for record in test) == 14

    report = scanned({"Rad-VQA": rad_vqa("test")}, rad_vqa("train"))

    same_triplet = {item.id for item in report.touched("Rad-VQA", ["image_question_answer"])}
    with_question = ["image_question_answer", "image_question", "question_answer", "question"]
    same_question = {item.id for item in report.touched("Rad-VQA", with_question)}
    assert same_triplet - identical == {"427", "2259"}  # a question mark more or less
    assert same_question - verbatim == {"427", "1035", "1046", "2259"}  # the same, and "is there a mass"
    assert identical <= same_triplet
    assert verbatim <= same_question
    assert len(report.clean_ids("Rad-VQA", ["image_question_answer", "image_question"])) == 451 - 16


def test_72_of_the_96_english_test_images_of_slake_occur_in_its_training_split():
    test, train = slake("test"), slake("train")  # skipped until a reader has put slake/train.json there

    report = scanned({"SLAKE": test}, train)
    touched = {item.id for item in report.touched("SLAKE", WITH_IMAGE)}

    assert len({row.facts["image"] for row in test}) == 96
    assert len({row.facts["image"] for row in test if row.id in touched}) == 72


def test_apollo_repeats_every_row_of_arabic_mmlu_that_is_a_translation():
    apollo = [
        Row(str(number), "ar", "mcq", "apollo", [message("user", f"{record['question']}\n{record['options']}")])
        for number, record in enumerate(records("apollo/test_ar.json"))
    ]
    test = mmlu("ar")
    no_translation = {row.id for row in test if any("TTL" in choice for choice in row.choices)}

    clean = set(scanned({"mmlu": test}, apollo).clean_ids("mmlu"))

    assert len(no_translation) == 209  # shared/data/README.md; Apollo made most of them anew
    assert clean <= no_translation
    assert len(clean) > 150


def test_real_benchmarks_match_themselves_and_their_twins_in_the_other_language_do_not():
    english, arabic, abstracts = mmlu("en"), mmlu("ar"), pubmedqa()

    own = scanned({"mmlu": english, "mmlu ar": arabic, "PubMedQA": abstracts}, english + arabic + abstracts)

    assert [len(rows) for rows in (english, arabic, abstracts)] == [1089, 1089, 1000]
    assert own.clean_ids("mmlu") == own.clean_ids("mmlu ar") == own.clean_ids("PubMedQA") == []
    assert own.sources["mmlu"]["unclean"] == 2178
    crossed = [count for count in own.counts if (count.source, count.benchmark) == ("pubmedqa", "mmlu ar")]
    assert crossed == []


def test_a_question_of_pubmedqa_without_its_abstract_and_an_abstract_without_its_question_are_found():
    abstracts = pubmedqa()
    asked = [
        Row(row.id, "en", "qa", "asked", [message("user", _question(row))], answer=row.answer) for row in abstracts
    ]
    read = [
        Row(row.id, "en", "qa", "read", [message("user", "Sum up."), message("assistant", _abstract(row))])
        for row in abstracts
    ]

    report = scanned({"PubMedQA": abstracts}, asked + read)

    found = {(count.source, count.kind): count.items for count in report.counts}
    assert found["asked", "question_answer"] == 1000
    assert found["read", "context"] >= 998


def _question(row: Row) -> str:
    return row.messages[0]["content"][0]["text"].split("\n\n")[-1]


def _abstract(row: Row) -> str:
    return "\n".join(row.messages[0]["content"][0]["text"].split("\n\n")[:-1])
