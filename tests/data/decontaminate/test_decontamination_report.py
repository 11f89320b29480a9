import csv
import json

import pytest

from bimedix2_core.data.decontaminate import (
    KINDS,
    Index,
    Report,
    Settings,
    Tally,
    read_report,
    scan,
    write_report,
)
from bimedix2_core.data.decontaminate.report import Count, TouchedItem
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row, message
from bimedix2_core.runs import content_key

LONG = "A 60 year old man has had a dry cough and a fever since last week so why"


def row(row_id: str, question: str, answer: str = "", *, source: str = "train", image: str = "", language: str = "en"):
    messages = [message("user", question, images=bool(image)), message("assistant", answer)]
    images = (image,) if image else ()
    return Row(row_id, language, "qa", source, messages, images=images, answer=answer)


VQA = [
    row("1", "Is there a fracture?", "yes", image="a"),
    row("2", "Which organ?", "liver", image="a"),
    row("3", "Which side?", "left", image="b"),
]
EXAM = [
    row("1", LONG, "pneumonia"),
    row("1", "لماذا يسعل", "التهاب", language="ar"),
    row("2", "Why does he cough", "asthma"),
]
TRAINING = [
    row("t1", "Is there a fracture?", "yes", image="a", source="chats"),  # vqa 1: all three; vqa 2: the image
    row("t2", "Is there a fracture?", "no", image="a", source="chats"),  # vqa 1: image and question; vqa 2: the image
    row("t3", "Is there a fracture?", "no", image="c", source="chats"),  # vqa 1: the question, which is no leak
    row("t4", f"So {LONG} now", "x", source="texts"),  # exam 1 en: a run
    row("t5", "Nothing like it", "x", source="texts"),
]


@pytest.fixture
def index() -> Index:
    return Index.build({"vqa": VQA, "exam": EXAM})


@pytest.fixture
def report(index) -> Report:
    return scanned(index, TRAINING)


def scanned(index: Index, rows: list[Row]) -> Report:
    tally = Tally(index)
    for _ in scan(rows, index, tally):
        pass
    return tally.report()


def test_rows_stream_through_with_their_flag(index):
    stream = scan(iter(TRAINING), index, Tally(index))

    first = next(stream)

    assert (first.row, first.clean) == (TRAINING[0], False)
    assert [(match.benchmark_id, match.kind) for match in first.matches] == [
        ("1", "image_question_answer"),
        ("2", "image"),
    ]
    assert [checked.clean for checked in stream] == [False, True, False, True]


def test_rows_and_distinct_items_are_counted_by_source_benchmark_and_kind(report):
    assert report.counts == (
        Count("chats", "vqa", "image_question_answer", rows=1, items=1),
        Count("chats", "vqa", "image_question", rows=1, items=1),
        Count("chats", "vqa", "image", rows=2, items=1),
        Count("chats", "vqa", "question", rows=1, items=1),
        Count("texts", "exam", "ngram", rows=1, items=1),
    )
    assert report.items == (
        TouchedItem("vqa", "1", "en", {"image_question_answer": 1, "image_question": 1, "question": 1}),
        TouchedItem("vqa", "2", "en", {"image": 2}),
        TouchedItem("exam", "1", "en", {"ngram": 1}),
    )


def test_rows_can_be_counted_under_another_name_than_their_source(index):
    tally = Tally(index)
    for _ in scan(TRAINING, index, tally, source="BiMed-V"):
        pass

    assert list(tally.report().sources) == ["BiMed-V"]


def test_sources_and_benchmarks_are_summed_up(report):
    assert {name: (about["rows"], about["unclean"]) for name, about in report.sources.items()} == {
        "chats": (3, 2),
        "texts": (2, 1),
    }
    assert {name: (about["items"], about["leaked"], about["touched"]) for name, about in report.benchmarks.items()} == {
        "vqa": (3, 2, 2),
        "exam": (3, 1, 1),
    }


def test_the_clean_subset_leaves_out_what_leaked_and_the_twin_of_it(report):
    assert report.clean_ids("vqa") == ["3"]
    assert report.clean_ids("exam") == ["2"]
    assert report.clean_ids("vqa", ["image_question_answer"]) == ["2", "3"]
    assert report.clean_ids("vqa", []) == ["1", "2", "3"]


def test_a_weak_match_alone_leaves_an_item_clean(index):
    report = scanned(index, [TRAINING[2]])

    assert report.clean_ids("vqa") == ["1", "2", "3"]
    assert report.clean_ids("vqa", KINDS) == ["2", "3"]
    assert [item.id for item in report.touched("vqa")] == ["1"]
    assert report.touched("vqa", ["image"]) == []


def test_unknown_benchmarks_and_kinds_are_errors(report):
    with pytest.raises(DataError, match="no benchmark 'slake'; it has vqa, exam"):
        report.clean_ids("slake")
    with pytest.raises(DataError, match="no such kind: images"):
        report.clean_ids("vqa", ["images"])


def test_a_report_names_what_was_compared_by_content(index, report):
    keys = [content_key(item.as_json()) for item in VQA]

    assert report.benchmarks["vqa"]["key"] == content_key(keys)
    assert report.settings == {
        "n": 13,
        "shortest": 8,
        "common": 10,
        "distance": 4,
        "context_facts": ["fig_caption"],
        "leaks": list(KINDS[:-1]),
    }
    assert scanned(index, TRAINING[:-1]).sources["texts"]["key"] != report.sources["texts"]["key"]
    assert scanned(index, TRAINING[:-1]).sources["chats"] == report.sources["chats"]


def test_the_order_of_the_sources_does_not_change_a_report(index, report, tmp_path):
    other = scanned(index, TRAINING[3:] + TRAINING[:3])

    assert other == report
    assert write_report(other, tmp_path / "a").read_bytes() == write_report(report, tmp_path / "b").read_bytes()


def test_a_report_is_read_back_as_it_was_written(report, tmp_path):
    path = write_report(report, tmp_path / "decontamination")

    assert path.name == "report.json"
    assert read_report(path.parent) == report
    assert write_report(report, tmp_path / "again").read_bytes() == path.read_bytes()
    assert json.loads(path.read_text())["sources"]["chats"]["rows"] == 3
    with (path.parent / "items.csv").open(newline="") as file:
        first = next(csv.DictReader(file))
    assert (first["benchmark"], first["id"], first["image_question"], first["ngram"]) == ("vqa", "1", "1", "0")


def test_nothing_found_is_a_report_too(index, tmp_path):
    report = scanned(index, [TRAINING[4]])

    assert report.counts == ()
    assert report.clean_ids("exam") == ["1", "2"]
    assert read_report(write_report(report, tmp_path).parent) == report


def test_a_broken_report_is_an_error(report, tmp_path):
    write_report(report, tmp_path)
    (tmp_path / "items.csv").write_text("benchmark,id\nvqa,1\n")

    with pytest.raises(DataError, match="run the scan again"):
        read_report(tmp_path)
    with pytest.raises(DataError, match="run the scan again"):
        read_report(tmp_path / "nowhere")


def test_other_leaks_give_other_flags(index):
    lenient = Index.build({"vqa": VQA, "exam": EXAM}, settings=Settings(leaks=("image_question_answer",)))

    assert scanned(index, TRAINING).sources["chats"]["unclean"] == 2
    assert scanned(lenient, TRAINING).sources["chats"]["unclean"] == 1
    assert scanned(lenient, TRAINING).clean_ids("vqa") == ["2", "3"]
