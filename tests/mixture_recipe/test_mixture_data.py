"""BiMed1.3M as a profile composes it: text only, at 1:2, no examination in it, notebook 02's chats among its parts."""

import json
from collections import Counter
from dataclasses import replace

import pytest

from bimedix2_core.data.compose.manifest import load
from bimedix2_core.data.compose.selection import Part
from bimedix2_core.data.compose.shards import compose
from bimedix2_core.data.decontaminate import Index
from bimedix2_core.data.sources.multiple_choice import multiple_choice
from bimedix2_core.demo.clinical_sets import clinical_sets
from bimedix2_core.errors import DataError, ParamsError
from bimedix2_core.mixture_recipe.data import compose_mixture_data, made_chats, mixture_samples, rows_left_out
from bimedix2_core.params import load_params
from bimedix2_core.records import Row, message, n_images, text_of


def demo(**data):
    return load_params("params/demo.yaml", {"mixture": {"data": {"n_rows": 300} | data}}, environment={})


def chat(name, language):
    told = {"en": ("Is it bad?", "No."), "ar": ("هل الأمر خطير؟", "لا.")}[language]
    turns = [{"from": speaker, "value": text} for speaker, text in zip(("human", "gpt"), told, strict=True)]
    return {"id": name, "conversations": turns * 2}


def write_chats(folder, n_english, n_arabic):
    folder.mkdir(parents=True, exist_ok=True)
    for language, n in (("en", n_english), ("ar", n_arabic)):
        (folder / f"{language}.json").write_text(json.dumps([chat(f"c{i}", language) for i in range(n)]))
    return {language: folder / f"{language}.json" for language in ("en", "ar")}


@pytest.fixture(scope="module")
def exams():
    return clinical_sets(16, seed=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("mixture")


@pytest.fixture(scope="module")
def built(folder, exams):
    return compose_mixture_data(demo(), folder, exams=exams, chats=write_chats(folder / "chats", 7, 3))


@pytest.fixture(scope="module")
def samples(folder, built):
    return mixture_samples(folder / "bimed13m")


def test_two_rows_are_english_to_one_that_is_arabic_but_for_the_stated_shortfall(built):
    short = {part.source_id: part.shortfall for part in built.shortfalls}

    assert sum(part.wanted for part in built.parts) == 300
    assert built.rows(language="en") == 200
    assert set(short) == {"medqa_ar"}
    assert built.rows(language="ar") == 100 - short["medqa_ar"]


def test_the_chats_are_all_there_in_the_place_of_published_conversations(built, samples):
    taken = {part.source_id: part.taken for part in built.parts}

    assert (taken["synthesised_chats"], taken["synthesised_chats_ar"]) == (7, 3)
    assert taken["multi_turn_conversation"] + 7 == 40  # 200 * 133,134 / 666,585 = 39.9
    assert taken["multi_turn_conversation_ar"] + 3 == 14  # 100 * 64,235 / 444,995 = 14.4
    assert {one.language for one in samples if one.source == "synthesised_chats_ar"} == {"ar"}


def test_samples_are_text_and_an_id_is_unique_in_its_language_and_shared_by_twins(samples):
    assert not any(n_images(one.messages) or len(one.images) for one in samples)
    by_language = {language: [one.id for one in samples if one.language == language] for language in ("en", "ar")}
    assert all(len(ids) == len(set(ids)) for ids in by_language.values())
    assert len(set(by_language["en"]) & set(by_language["ar"])) > 50
    (twins,) = [[one for one in samples if one.id == "synthesised_chats/c0"]]
    assert Counter(one.language for one in twins) == {"en": 1, "ar": 1}


def test_no_composed_row_holds_anything_of_an_examination(folder, built, samples, exams):
    index = Index.build(exams)
    rows = [Row(one.id, one.language, one.task, one.source, one.messages, choices=one.choices) for one in samples]

    assert all(index.is_clean(index.check(row)) for row in rows)
    assert all((count.n_clean, count.n_unclean) == (count.rows, 0) for count in built.counts)


def test_the_shards_are_called_by_the_name_of_the_set_and_nothing_is_left_of_the_drafts(folder, built):
    assert [shard.file for shard in built.shards] == ["bimed13m-00000-of-00001.parquet"]
    assert load(folder / "bimed13m") == built


def test_the_same_profile_composes_the_same_rows_again(tmp_path, built, exams):
    again = compose_mixture_data(demo(), tmp_path, exams=exams, chats=write_chats(tmp_path / "chats", 7, 3))

    assert again.key == built.key


# --- examinations ----------------------------------------------------------------------------------------------------


@pytest.fixture
def named(tmp_path):
    """A profile that names two files of ten questions; the third question is an exam's, the fourth almost."""
    exam = "A farmer of sixty one years has noticed a firm painless lump below his left jaw since spring."
    asked = {
        2: exam,
        3: "A farmer of sixty two years has noticed a soft painless lump below his right jaw since spring.",
    }
    for name in ("medqa", "medqa_ar"):
        lines = [
            {"question": asked.get(n, f"Which drug is number {n}?"), "answer": "b", "options": {"A": "a", "B": "b"},
             "answer_idx": "B"}
            for n in range(10)
        ]  # fmt: skip
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    row = multiple_choice(
        id="e", language="en", source="exam", question=exam, choices=["x", "y"], answer="A", contexts=(), facts={}
    )
    sources = {name: str(tmp_path / f"{name}.jsonl") for name in ("medqa", "medqa_ar")}
    return demo(sources=sources, n_rows=600), {"medqa": (row,)}, tmp_path


def test_rows_that_share_a_run_of_words_with_an_exam_are_left_out_before_the_draw(named):
    params, exams, folder = named
    built = compose_mixture_data(params, folder, exams=exams, chats={})

    part = {one.source_id: one for one in built.parts}["medqa"]
    assert (part.available, part.taken, part.wanted) == (9, 9, 12)  # 400 * 20,691 / 666,585 = 12.4
    assert rows_left_out(folder) == {"medqa": 1, "medqa_ar": 1}
    told = [text_of(one.messages[0]) for one in mixture_samples(folder / "bimed13m")]
    assert not [text for text in told if "sixty one" in text]
    assert [text for text in told if "sixty two" in text]


@pytest.mark.parametrize(("ngram", "left_out"), [(8, {"medqa": 1, "medqa_ar": 1}), (13, {})])
def test_how_many_words_a_leak_shares_is_the_profiles(named, ngram, left_out):
    params, exams, folder = named
    nine_words = [message("user", "A farmer of sixty two years has noticed a rash on both hands and feet.")]
    changed = params.model_copy(update={"composition": params.composition.model_copy(update={"ngram": ngram})})

    exams = {"medqa": (replace(exams["medqa"][0], messages=nine_words, choices=(), answer=""),)}
    compose_mixture_data(changed, folder, exams=exams, chats={})

    assert rows_left_out(folder) == left_out


def test_without_a_composition_section_a_leak_is_thirteen_words(named):
    params, exams, folder = named

    compose_mixture_data(params.model_copy(update={"composition": None}), folder, exams=exams, chats={})

    assert json.loads((folder / "decontamination" / "report.json").read_text())["settings"]["n"] == 13


def test_a_source_that_no_file_is_named_for_is_stated_as_missing(named):
    params, exams, folder = named
    built = compose_mixture_data(params, folder, exams=exams, chats={})

    assert {one.source_id for one in built.shortfalls if not one.available} == {
        f"{one}{end}" for one in ("pubmedqa", "medmcqa", "single_turn_qa", "multi_turn_conversation")
        for end in ("", "_ar")
    }  # fmt: skip
    assert not (folder / "sources").exists()


def test_a_source_with_images_is_refused(tmp_path):
    (tmp_path / "x.jpg").write_bytes(b"")
    turns = [{"from": "human", "value": "<image>\nWhat is it?"}, {"from": "gpt", "value": "A hand."}]
    file = tmp_path / "single.json"
    file.write_text(json.dumps([{"id": "a", "image": "x.jpg", "conversations": turns}]))

    with pytest.raises(DataError, match="image"):
        compose_mixture_data(demo(sources={"single_turn_qa": str(file)}, max_bad_rows=0), tmp_path, exams={}, chats={})


def test_a_composed_set_with_images_gives_no_samples(tmp_path):
    shown = Row("a", "en", "vqa", "x", [message("user", "What?", images=1), message("assistant", "A.")], ("ab" * 32,))
    compose([Part("path_vqa", lambda: iter([shown]))], {"path_vqa": 1}, folder=tmp_path, seed=0, rows_per_shard=5)

    with pytest.raises(DataError, match=r"row 'a' of path_vqa shows an image; BiMed1\.3M is text only"):
        mixture_samples(tmp_path)


def test_a_profile_without_a_mixture_says_so(tmp_path):
    with pytest.raises(ParamsError, match=r"profile gpu_smoke trains no mixture of experts \(mixture is null\)"):
        compose_mixture_data(load_params("params/gpu_smoke.yaml"), tmp_path, exams={}, chats={})


# --- chats -----------------------------------------------------------------------------------------------------------


def test_chats_are_the_files_that_notebook_02_left_and_none_where_it_made_none(tmp_path):
    assert made_chats(tmp_path / "chats") == write_chats(tmp_path / "chats", 1, 1)
    assert made_chats(None) == {}
