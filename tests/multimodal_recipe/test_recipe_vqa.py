"""Medical VQA as a profile names it: published layouts, whole images, the controls, and what stands on a card."""

import shutil
from collections import Counter, defaultdict
from dataclasses import replace

import pyarrow.parquet
import pytest
import tiny

from bimedix2_core.bench.medical_vqa import image_of, overlaps
from bimedix2_core.bench.medical_vqa.clean_subset import IMAGE, QUESTION, TRIPLET
from bimedix2_core.data.sources import source_named
from bimedix2_core.demo.vqa_sets import SET_IDS, write_vqa_sets
from bimedix2_core.errors import DataError
from bimedix2_core.inference.backends import LocalBackend
from bimedix2_core.multimodal_recipe import vqa as recipe
from bimedix2_core.params import load_params
from bimedix2_core.records import n_images, text_of
from bimedix2_core.respondents import Respondent, Written, answered
from bimedix2_core.runs import JsonlStore

N = 40


def demo(**changes):
    named = {f"benchmarks.medical_vqa.{name}": value for name, value in ({"n_per_set": N} | changes).items()}
    return load_params("params/demo.yaml", named, environment={})


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return recipe.vqa_sets(demo(), tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The same sets as a reader has them on disk, by set id."""
    return write_vqa_sets(tmp_path_factory.mktemp("published"), sizes=dict.fromkeys(SET_IDS, N), seed=0)


@pytest.fixture(scope="module")
def places(files):
    return {
        name: {
            "test": str(one.test),
            "images": str(one.images) if one.images else None,
            "training": str(one.train),
        }
        for name, one in files.items()
    }


@pytest.fixture(scope="module")
def published(places, tmp_path_factory):
    return recipe.vqa_sets(demo(sets=places, n_per_set=None), tmp_path_factory.mktemp("other run"))


# --- the sets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SET_IDS)
def test_published_files_give_what_the_drawn_path_gives_but_do_not_say_stand_in(drawn, published, name):
    ours, theirs = drawn.sets[name], published.sets[name]

    def said_to_be_published(rows):
        return tuple(replace(row, source=name) for row in rows)

    assert theirs.rows == said_to_be_published(ours.rows)
    assert theirs.training == said_to_be_published(ours.training)
    assert {row.source for row in (*ours.rows, *ours.arabic, *ours.training)} == {
        f"{source_named(name).card.name}'s stand-in"
    }
    for row in theirs.rows[:3]:
        assert published.images.path(row.images[0]).read_bytes() == drawn.images.path(row.images[0]).read_bytes()


@pytest.mark.parametrize("name", SET_IDS)
def test_the_drawn_sets_have_arabic_twins_and_the_published_ones_none(drawn, published, name):
    ours = drawn.sets[name]

    assert [row.id for row in ours.arabic] == [row.id for row in ours.rows] or name == "path_vqa"  # ids by file there
    assert [row.images for row in ours.arabic] == [row.images for row in ours.rows]
    assert (len(ours.rows), {row.language for row in ours.arabic}) == (N, {"ar"})
    assert published.sets[name].arabic == ()


def test_training_questions_are_read_only_where_they_are_named(places, published, tmp_path):
    bare = {name: place | {"training": None} for name, place in places.items()}
    found = recipe.vqa_sets(demo(sets=bare, n_per_set=None), tmp_path)

    assert [len(found.sets[name].training) for name in SET_IDS] == [0, 0, 0]
    assert [len(published.sets[name].training) for name in SET_IDS] == [2 * N] * 3


@pytest.mark.parametrize("name", SET_IDS)
def test_what_a_test_set_shares_with_training_is_found_in_published_files(published, files, name):
    planted = files[name].overlap
    found = overlaps(published.sets[name].rows, published.sets[name].training)

    shared = {kind: len(found.ids[kind]) for kind in (IMAGE, QUESTION, TRIPLET)}
    assert shared == {IMAGE: planted.image, QUESTION: planted.question, TRIPLET: planted.triplet}
    assert min(shared.values()) > 0


def test_images_without_a_name_are_known_by_their_content(files, tmp_path):
    """As in the hub's copies of Rad-VQA and Path-VQA, whose rows hold the image and say nothing else of it."""
    bare = {}
    for part, file in (("test", files["path_vqa"].test), ("training", files["path_vqa"].train)):
        records = pyarrow.parquet.read_table(file).to_pylist()
        nameless = [record | {"image": record["image"] | {"path": None}} for record in records]
        bare[part] = str(tmp_path / f"{part}.parquet")
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(nameless), bare[part])

    one = recipe.vqa_sets(demo(sets={"path_vqa": bare | {"images": None}}), tmp_path / "run").sets["path_vqa"]

    assert not any("image" in row.facts for row in (*one.rows, *one.training))
    assert len(overlaps(one.rows, one.training).ids[IMAGE]) == files["path_vqa"].overlap.image


def test_a_data_set_of_the_hub_gives_its_test_split_to_be_asked_and_its_train_split_to_be_compared(files, tmp_path):
    folder = tmp_path / "copy" / "data"
    folder.mkdir(parents=True)
    shutil.copy(files["path_vqa"].test, folder / "test-00000-of-00001.parquet")
    shutil.copy(files["path_vqa"].train, folder / "train-00000-of-00001.parquet")
    hub = f"hub:{folder.parent}"  # a folder laid out as the hub has it takes the same way

    place = {"test": hub, "images": None, "training": hub}
    one = recipe.vqa_sets(demo(sets={"path_vqa": place}), tmp_path / "run").sets["path_vqa"]

    assert (len(one.rows), len(one.training)) == (N, 2 * N)
    assert len(overlaps(one.rows, one.training).ids[IMAGE]) == files["path_vqa"].overlap.image


def test_only_the_sets_that_a_profile_names_are_read(places, tmp_path):
    found = recipe.vqa_sets(demo(sets={"slake_vqa": places["slake_vqa"]}), tmp_path)

    assert list(found.sets) == ["slake_vqa"]


def test_a_file_that_is_not_there_is_named(places, tmp_path):
    gone = {"slake_vqa": places["slake_vqa"] | {"test": "data/nowhere/test.json"}}

    with pytest.raises(DataError, match=r"data/nowhere/test.json: no such data file"):
        recipe.vqa_sets(demo(sets=gone), tmp_path)


def test_a_set_whose_images_are_in_no_folder_is_refused(places, tmp_path):
    without = {"rad_vqa": places["rad_vqa"] | {"images": None}}

    with pytest.raises(DataError, match="no image folder was given; say which holds it"):
        recipe.vqa_sets(demo(sets=without), tmp_path)


@pytest.mark.parametrize("name", SET_IDS)
def test_a_sample_keeps_all_questions_of_its_images_and_lies_within_a_larger_one(places, published, tmp_path, name):
    whole = published.sets[name].rows
    per_image = Counter(map(image_of, whole))
    samples = [
        recipe.vqa_sets(demo(sets={name: places[name]}, n_per_set=n), tmp_path).sets[name].rows
        for n in (1, 10, 25, N, N + 1)
    ]

    for wanted, rows in zip((1, 10, 25), samples, strict=False):
        kept = Counter(map(image_of, rows))
        assert kept == {image: per_image[image] for image in kept}
        assert wanted <= len(rows) < wanted + max(per_image.values())  # one image less would be too few
    assert {row.id for row in samples[0]} <= {row.id for row in samples[1]} <= {row.id for row in samples[2]}
    assert samples[3] == samples[4] == whole
    assert all([row for row in whole if row in rows] == list(rows) for rows in samples)  # in file order


# --- what is asked ----------------------------------------------------------------------------------------------------


def asked_text(query):
    return [[part.get("text", "image") for part in turn["content"]] for turn in query.prompt]


def test_each_question_is_asked_with_its_image_in_either_language(drawn):
    plain = recipe.plain_protocol()

    for language in ("en", "ar"):
        queries = drawn.queries(plain, language=language)
        assert list(queries) == list(SET_IDS)
        for name, asked in queries.items():
            rows = drawn.sets[name].rows if language == "en" else drawn.sets[name].arabic
            assert [(one.id, one.language) for one in asked] == [(row.id, language) for row in rows]
            assert [asked_text(one)[-1][-1] for one in asked] == [text_of(row.messages[0]) for row in rows]
            assert all(one.images == [drawn.images.open(row.images[0])] for one, row in zip(asked, rows, strict=True))


def test_published_sets_have_nothing_to_ask_in_arabic(published):
    assert published.queries(recipe.plain_protocol(), language="ar") == {}


def test_the_papers_protocol_comes_first_and_tells_which_questions_are_yes_or_no(drawn):
    first, second = recipe.protocols_of(demo())
    hinted, bare = drawn.queries(first), drawn.queries(second)

    assert (first.id, second.id) == ("multimedeval", "plain")
    for name in SET_IDS:
        told = [row.answer in ("yes", "no") for row in drawn.sets[name].rows]
        differs = [a.prompt != b.prompt for a, b in zip(hinted[name], bare[name], strict=True)]
        assert differs == told
    assert any(row.answer in ("yes", "no") for row in drawn.sets["rad_vqa"].rows)
    assert not any(row.answer in ("yes", "no") for row in drawn.sets["slake_vqa"].rows)  # "Yes" in SLAKE


@pytest.mark.parametrize("protocol", ["multimedeval", "plain"])
def test_without_images_the_same_is_asked_and_nothing_is_shown(drawn, protocol):
    chosen = next(one for one in recipe.protocols_of(demo()) if one.id == protocol)
    asked, blind = drawn.queries(chosen), drawn.control(recipe.NO_IMAGE, chosen, seed=0)

    assert list(blind) == list(asked)
    for name in SET_IDS:
        for one, other in zip(asked[name], blind[name], strict=True):
            assert (other.id, other.language, other.images, n_images(other.prompt)) == (one.id, one.language, [], 0)
            without = [[part for part in turn if part != "image"] for turn in asked_text(one)]
            assert asked_text(other) == without


@pytest.mark.parametrize("protocol", ["multimedeval", "plain"])
def test_with_wrong_images_the_prompt_stays_and_every_image_is_anothers(drawn, protocol):
    chosen = next(one for one in recipe.protocols_of(demo()) if one.id == protocol)
    asked, wrong = drawn.queries(chosen), drawn.control(recipe.WRONG_IMAGE, chosen, seed=0)

    for name, rows in ((name, one.rows) for name, one in drawn.sets.items()):
        assert [(one.id, one.prompt) for one in wrong[name]] == [(one.id, one.prompt) for one in asked[name]]
        shown = {row.images[0]: drawn.images.open(row.images[0]) for row in rows}
        partners = defaultdict(set)
        for row, one in zip(rows, wrong[name], strict=True):
            partners[row.images[0]].add(next(key for key, image in shown.items() if image == one.images[0]))
        assert all(len(others) == 1 and key not in others for key, others in partners.items())
        assert len(set.union(*partners.values())) == len(partners)  # each image stands for one other


def test_another_seed_exchanges_the_images_in_another_way(drawn):
    plain = recipe.plain_protocol()
    first, again, other = (drawn.control(recipe.WRONG_IMAGE, plain, seed=seed)["rad_vqa"] for seed in (0, 0, 1))

    assert [one.images for one in first] == [one.images for one in again] != [one.images for one in other]


def test_the_controls_are_asked_of_the_model_once_and_kept(places, tmp_path):
    backend = LocalBackend(tiny.tiny_lmm(), tiny.GREEDY)
    sets = recipe.vqa_sets(demo(sets={"rad_vqa": places["rad_vqa"]}, n_per_set=4), tmp_path)
    plain, store = recipe.plain_protocol(), JsonlStore(tmp_path / "predictions.jsonl")
    model = Respondent("tiny", lambda: backend)

    written = answered([model], sets.queries(plain), store=store)
    n_asked = len(store)
    blind = recipe.control_texts(model, sets, plain, store=store, seed=0)

    n = len(sets.sets["rad_vqa"].rows)
    assert list(blind) == ["no image", "wrong image"]
    assert {name: {one: len(texts) for one, texts in found.items()} for name, found in blind.items()} == {
        "no image": {"rad_vqa": n}, "wrong image": {"rad_vqa": n},
    }  # fmt: skip
    assert blind["no image"]["rad_vqa"] == tuple(
        backend.generate(sets.control(recipe.NO_IMAGE, plain, seed=0)["rad_vqa"])
    )
    n_new = len(store) - n_asked
    assert (
        n_new == len({(text_of(row.messages[0])) for row in sets.sets["rad_vqa"].rows}) + n
    )  # blind ones may coincide
    assert recipe.control_texts(model, sets, plain, store=JsonlStore(store.path), seed=0) == blind
    assert len(JsonlStore(store.path)) == n_asked + n_new
    assert recipe.as_texts(written) == {"tiny": {"rad_vqa": written["tiny"]["rad_vqa"].texts}}


# --- for the cells ----------------------------------------------------------------------------------------------------


def row_of_files(*keys):
    return {name: Written("f", key, (), {"answers": "made elsewhere"}) for name, key in zip(SET_IDS, keys, strict=True)}


def test_the_card_of_a_row_names_its_sets_its_key_and_how_it_was_asked(drawn, published, places):
    model = {name: Written("m", "key", (), {"temperature": 0.0}) for name in SET_IDS}
    first = recipe.protocols_of(demo())[0]

    (ours,) = recipe.as_answered(demo(), drawn, {"m": model}, first)
    (theirs,) = recipe.as_answered(demo(sets=places), published, {"m": model}, first)

    assert (ours.row, ours.model_key, ours.decoding) == ("m", "key", {"temperature": 0.0, "protocol": "multimedeval"})
    assert len(ours.rows) == 3 * N
    assert ours.dataset == "stand-ins of rad_vqa, slake_vqa, path_vqa"
    assert theirs.dataset == "rad_vqa, slake_vqa, path_vqa"


def test_of_answers_made_elsewhere_each_file_counts_in_the_key(drawn):
    plain = recipe.plain_protocol()

    def key_of(*keys):
        (card,) = recipe.as_answered(demo(), drawn, {"f": row_of_files(*keys)}, plain)
        assert card.decoding == {"answers": "made elsewhere", "protocol": "plain"}
        return card.model_key

    assert key_of("a", "b", "c") != key_of("a", "b", "d")
    assert key_of("a", "b", "c") == key_of("a", "b", "c")
