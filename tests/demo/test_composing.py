"""What notebook 02 shows, on a few rows whose counts are known."""

import pytest
import tiny
from PIL import Image

from bimedix2_core.data.compose.parts import Survey
from bimedix2_core.data.compose.reading import open_composed
from bimedix2_core.data.compose.selection import Part
from bimedix2_core.data.compose.shards import compose
from bimedix2_core.data.compose.statistics import statistics
from bimedix2_core.data.decontaminate import Index
from bimedix2_core.data.decontaminate.parts import check_parts
from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.data.sources import BadRow
from bimedix2_core.demo import composing
from bimedix2_core.demo.planted import Leak
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row, message

LONG = "Which bone of the leg is most often broken in a child of six?"


def row(name, *, language="en", source="medqa", task="mcq", question="Is it broken?", answer="No.", images=()):
    turns = [message("user", question, images=len(images)), message("assistant", answer)]
    return Row(name, language, task, source, turns, images=images)


@pytest.fixture
def store(tmp_path):
    return ImageStore(tmp_path / "images")


@pytest.fixture
def key(store, tmp_path):
    tiny.colour_image(80).save(tmp_path / "a.png")
    return store.add(tmp_path / "a.png")


@pytest.fixture
def rows(key):
    arabic = {"language": "ar", "question": "هل يوجد كسر؟", "answer": "لا."}
    return {
        "medqa": [row("a"), row("b"), row("leak", question=LONG, answer="The tibia.")],
        "medqa_ar": [row("b", source="medqa_ar", **arabic)],
        "rad_vqa": [row("v", source="rad_vqa", task="vqa", images=(key,))],
    }


@pytest.fixture
def checkup(rows):
    parts = [Part(source, lambda some=some: iter(some)) for source, some in rows.items()]
    return check_parts(parts, Index.build({"exam": [row("q", question=LONG, answer="The tibia.")]}))


@pytest.fixture
def built(rows, checkup, tmp_path):
    parts = [Part(source, lambda some=some: iter(some)) for source, some in rows.items()]
    wanted = {"medqa": 3, "medqa_ar": 2, "rad_vqa": 1}
    return compose(parts, wanted, folder=tmp_path / "built", seed=0, rows_per_shard=10, is_clean=checkup.is_clean)


@pytest.fixture
def dataset(built, tmp_path):
    return open_composed(tmp_path / "built")


PLANTED = Leak("medqa", "leak", "en", "asked again", "question_answer", "exam", "q")


def test_a_survey_adds_up_rows_but_counts_a_shared_image_once():
    surveys = [
        Survey("pmc_mcq", "p/demo.csv", "pmc_vqa", 5, (BadRow("demo.csv, line 3", "7 fields"),), frozenset({"x", "y"})),
        Survey("pmc_mcq_ar", "p/demo.ar.csv", "pmc_vqa", 4, (), frozenset({"y"})),
    ]

    assert composing.survey_table(surveys).rows[-1] == ("all", "", "", 9, 2, 1)
    assert composing.bad_row_table(surveys).rows == (("pmc_mcq", "demo.csv, line 3", "7 fields"),)


def test_a_planted_leak_that_was_found_says_as_what_and_how_it_is_flagged(checkup, dataset):
    table = composing.planted_table([PLANTED], checkup, dataset)

    assert table.rows == (("medqa", "asked again (q)", "question_answer", "not clean"),)


def test_a_planted_leak_that_was_missed_or_taken_for_another_kind_says_so(checkup, dataset):
    missed = Leak("medqa", "a", "en", "asked again", "question_answer", "exam", "q")
    other = Leak("medqa", "leak", "en", "asked again", "ngram", "exam", "q")
    not_drawn = Leak("medqa", "z", "en", "asked again", "ngram", "exam", "q")

    table = composing.planted_table([missed, other, not_drawn], checkup, dataset)

    assert [line[2:] for line in table.rows] == [
        ("NOT FOUND, expected question_answer", "CLEAN"),
        ("question_answer, expected ngram", "not clean"),
        ("NOT FOUND, expected ngram", "not drawn"),
    ]


def test_unclean_rows_are_counted_by_their_strongest_match(checkup):
    assert composing.unclean_table(checkup, [PLANTED]).rows == (("question_answer", 1, 1, 0), ("all", 1, 1, 0))
    assert composing.unclean_table(checkup, []).rows[0] == ("question_answer", 1, 0, 0)


def test_the_report_by_source_and_by_benchmark(checkup):
    assert composing.leak_counts(checkup).rows == (("medqa", 1, 1, 3),)
    assert composing.benchmark_table(checkup).rows == (("exam", 1, 1, 1, 0, "0.0%"),)


def test_a_row_that_leaks_in_one_benchmark_and_only_asks_alike_in_another_counts_at_the_first():
    index = Index.build({
        "exam": [row("q", question=LONG, answer="The tibia."), row("r", question=f"{LONG} Say why, in a few words.")],
        "other": [row("q", answer="Yes.")],
    })  # fmt: skip
    turns = [*row("a", question=LONG, answer="The tibia.").messages, *row("a", answer="No.").messages]
    both = Row("a", "en", "dialogue", "medqa", turns)

    checkup = check_parts([Part("medqa", lambda: iter([both]))], index)

    kinds = [(match.benchmark, match.kind) for match in checkup.leaks["medqa", "en", "a"]]
    assert kinds == [("exam", "question_answer"), ("exam", "ngram"), ("other", "question")]
    assert composing.leak_counts(checkup).rows == (("medqa", 1, 0, 1, 1),)
    assert composing.unclean_table(checkup, []).rows[0] == ("question_answer", 1, 0, 0)


def test_shares_of_the_paper_are_called_inferred_and_stand_beside_those_built(built):
    table = composing.share_table(built, kind="demo")

    assert table.columns[2] == "this data set (demo, no result of the paper)"
    assert [line[:3] for line in table.rows] == [
        ("English", "61.1%", "80.0%"),  # 1,032,949 of 1,691,407; 4 of 5
        ("Arabic", "38.9%", "20.0%"),
        ("text", "65.7%", "80.0%"),  # 1,111,580
        ("image-text", "34.3%", "20.0%"),
    ]
    assert all(line[3].startswith("inferred") for line in table.rows)


def test_a_shortfall_is_stated(built):
    assert composing.part_table(built).rows[1:] == (
        ("medqa_ar", 2, 1, 1, 1), ("rad_vqa", 1, 1, 1, 0), ("all", 6, 5, 5, 1)
    )  # fmt: skip


def test_statistics_are_by_source_and_language_and_then_by_language(built, tmp_path):
    counted = statistics(tmp_path / "built", lambda texts: [2 * len(text.split()) for text in texts])

    table = composing.statistics_table(counted)

    assert [(line[0], line[1], line[2], str(line[6])) for line in table.rows] == [
        ("medqa", "English", 3, "2.00"), ("medqa_ar", "Arabic", 1, "2.00"), ("rad_vqa", "English", 1, "2.00"),
        ("all", "English", 4, "2.00"), ("all", "Arabic", 1, "2.00"),
    ]  # fmt: skip
    assert table.rows[1][2:6] == (1, 2, 4, 8)  # two turns of 3 words and 1


def test_of_each_kind_a_pair_of_twins_is_shown_where_there_is_one(dataset):
    shown = [(row.task, row.language, row.id) for row in composing.one_of_each_kind(dataset)]

    assert shown == [("mcq", "en", "b"), ("mcq", "ar", "b"), ("vqa", "en", "v")]


def test_a_row_becomes_a_sample_with_its_images_opened(rows, store):
    sample = composing.sample_of(rows["rad_vqa"][0], store)

    assert [image.size for image in sample.images] == [(tiny.PIXELS, tiny.PIXELS)]
    assert isinstance(sample.images[0], Image.Image)
    assert sample.target == "No."


def test_a_row_is_shown_with_a_mark_where_its_image_stands(rows):
    fields = dict(composing.row_table(rows["rad_vqa"][0]).rows)

    assert fields["message 1"] == "user: [image] Is it broken?"
    assert fields["images"].endswith("...")


def test_a_telling_row_has_an_image_where_there_is_one(rows):
    parts = {source: Part(source, lambda some=some: iter(some)) for source, some in rows.items()}

    assert composing.telling_row(list(parts.values())).id == "v"
    assert composing.telling_row([parts["medqa"]]).id == "a"
    with pytest.raises(DataError, match="none of the 1 parts has a row"):
        composing.telling_row([Part("empty", lambda: iter(()))])


def test_without_a_match_by_hash_no_picture_is_shown(dataset, checkup, store, capsys):
    composing.show_look_alikes(dataset, checkup, store, planted=[PLANTED], n=2)

    assert capsys.readouterr().out == ""
