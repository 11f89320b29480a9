"""The variants of Tables 9 and 10: derived from the reported rows, matched in what they see, trained once, asked."""

from collections import Counter
from dataclasses import replace

import pytest
import tiny

from bimedix2_core import ablation_recipe as recipe
from bimedix2_core.ablation_recipe import budgets
from bimedix2_core.ablation_recipe.training import MADE_OF, School
from bimedix2_core.ablation_recipe.variants import BY_ENDING, OWNER, own_row
from bimedix2_core.bench.clinical_qa.sets import TABLE2
from bimedix2_core.data.image_key import image_key
from bimedix2_core.errors import DataError, PaperError
from bimedix2_core.multimodal_recipe import mbench
from bimedix2_core.paper import ablations
from bimedix2_core.paper.compare import compare
from bimedix2_core.paper.exhibits import exhibit
from bimedix2_core.paper.measured import Demo
from bimedix2_core.params import load_params
from bimedix2_core.params.ablations import AblationParams, ShapePairs
from bimedix2_core.runs import JsonlStore, data_key, start_run
from bimedix2_core.training.loop import n_steps_of

pytestmark = pytest.mark.filterwarnings("ignore::bimedix2_core.bench.statistics.FewClustersWarning")

SMALL = {
    "run.threads": 1, "data.n_caption_images": 4, "data.n_instruction_images": 5, "data.n_text_samples": 3,
    "stage1.max_steps": 2, "stage1.global_batch_size": 4, "stage1.row_length": 2048, "stage1.max_length": 2048,
    "stage2.max_steps": 4, "stage2.global_batch_size": 4, "stage2.row_length": 2048, "stage2.max_length": 2048,
    "stage2.lora_r": 2, "inference.max_new_tokens": 2, "inference.batch_size": 16,
    "benchmarks.bimed_mbench.n_images": 5, "benchmarks.clinical_qa.n_per_set": 4,
}  # fmt: skip
"""Sizes at which a variant is trained in a moment; the model is `tiny.tiny_lmm`."""


def profile(base="bimedix2_core/demo/base", *, seeds=(0,), steps_share=1.0, n_images=4, **changes):
    params = load_params("params/demo.yaml", SMALL | {"model.base": str(base)} | changes, environment={})
    section = AblationParams(
        non_medical=ShapePairs(source="shapes", n_images=n_images), seeds=list(seeds), steps_share=steps_share
    )
    return params.model_copy(update={"ablations": section})


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """The tiny model as a checkpoint that a profile names."""
    folder = tmp_path_factory.mktemp("base")
    lmm = tiny.tiny_lmm()
    lmm.model.config.text_config.max_position_embeddings = 1024  # its positions have no weights
    lmm.model.save_pretrained(folder)
    lmm.processor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("outputs")


@pytest.fixture(scope="module")
def data(base):
    return recipe.AblationData(profile(base))


@pytest.fixture(scope="module")
def stages(base, place, data):
    """What notebooks 03 and 04 leave: projector and adapters of the run's own seed."""
    school, (_, stage_1, both, *_) = School(profile(base), data, place / "notebooks"), recipe.all_variants()
    projector = school.projector(stage_1, seed=0)
    return {"stage1": projector, "stage2": school.adapters(both, seed=0, stage1=projector)}


@pytest.fixture(scope="module")
def trained(base, place, data, stages):
    return recipe.trained_variants(profile(base, seeds=(0, 1)), data, folder=place / "ablations", **stages)


# --- variants ---------------------------------------------------------------------------------------------------------


def test_every_reported_row_is_a_variant_and_every_variant_is_a_reported_row():
    stages, languages = recipe.variants("table09"), recipe.variants("table10")

    assert list(stages) == list(exhibit("table09").rows()) == ["baseline", "stage_1", "stage_2"]
    assert list(languages) == list(exhibit("table10").rows())
    assert stages["stage_2"] is languages["bimedix2_8b_bi"]  # one model stands in both tables
    assert set(recipe.all_variants()) == set(BY_ENDING.values())


def test_a_variant_differs_in_one_thing_from_the_one_the_paper_compares_it_with():
    baseline, stage_1, both, english, arabic = recipe.all_variants()

    assert (baseline.medical, stage_1.medical) == (False, True)
    assert baseline.languages == stage_1.languages == ()
    assert [one.languages for one in (both, english, arabic)] == [("en", "ar"), ("en",), ("ar",)]
    assert all(one.medical for one in (both, english, arabic))


def test_a_row_that_is_no_variant_stops_the_table():
    with pytest.raises(PaperError, match=r"table02: rows .*biomedgpt.* are no variants; known: baseline, stage_1"):
        recipe.variants("table02")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("paper_8b", ["baseline", "bimedix2_8b_eng"]), ("paper_70b", ["bimedix2_70b_baseline", "bimedix2_70b_eng"]),
     ("demo", ["demo_baseline", "demo_eng"])],
)  # fmt: skip
def test_only_the_8b_stands_in_the_papers_own_rows(name, expected):
    params = load_params(f"params/{name}.yaml", environment={})

    assert [own_row(params, row) for row in ("baseline", f"{OWNER}_eng")] == expected


# --- what they learn from ---------------------------------------------------------------------------------------------


def test_english_only_has_all_english_rows_and_no_other(data):
    english, both = (data.rows(BY_ENDING[ending]) for ending in ("eng", "bi"))

    assert {sample.language for sample in english} == {"en"}
    assert [sample.id for sample in english] == [sample.id for sample in both if sample.language == "en"]
    assert len(english) == 5 + 3
    assert len(both) == 2 * len(english)


def test_both_monolingual_sets_together_are_the_bilingual_one(data):
    parts = [data.rows(BY_ENDING[ending]) for ending in ("eng", "ara")]

    assert Counter((one.language, one.id) for part in parts for one in part) == Counter(
        (one.language, one.id) for one in data.rows(BY_ENDING["bi"])
    )
    assert {one.id for one in parts[0]} == {one.id for one in parts[1]}  # twins: as much to learn in each


def test_only_the_baselines_pairs_are_not_medical(data):
    shapes, phantoms = data.pairs(BY_ENDING["baseline"]), data.pairs(BY_ENDING["stage_1"])

    assert {sample.source for sample in shapes} == {"shapes"}
    assert {sample.source for sample in phantoms} == {"phantom"}
    assert len(shapes) == len(phantoms) == 8
    assert {image_key(one.images[0]) for one in shapes}.isdisjoint(image_key(one.images[0]) for one in phantoms)


def test_rows_of_a_language_that_nobody_speaks_are_an_error(data):
    with pytest.raises(DataError, match="variant none: no row of Stage 2 is in fr"):
        data.rows(replace(BY_ENDING["eng"], name="none", languages=("fr",)))


# --- budgets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "n_samples", "expected"), [(1.0, 100, 20), (1.0, 50, 10), (0.5, 100, 10), (0.5, 50, 5), (0.01, 50, 1)]
)
def test_each_row_is_seen_as_often_as_in_the_whole_stage(share, n_samples, expected):
    settings = tiny.stage2_settings(max_steps=20)

    found = budgets.settings_for(settings, n_samples=n_samples, of=100, share=share)

    assert (found.max_steps, found.epochs) == (expected, None)
    assert found.model_copy(update={"max_steps": 20}) == settings


def test_an_epoch_stays_an_epoch_over_fewer_rows():
    settings = tiny.stage2_settings(max_steps=None, epochs=1)

    whole = budgets.settings_for(settings, n_samples=50, of=100, share=1.0)
    half = budgets.settings_for(settings, n_samples=50, of=100, share=0.5)

    assert whole == settings
    assert n_steps_of(whole, n_samples=50) == 13  # 50 rows of 4
    assert (half.max_steps, half.epochs) == (6, None)  # 25 steps over all, half of the rows, half of the steps


def test_the_budget_table_says_what_each_variant_learns_from(base, data):
    table = recipe.budget_table(profile(base), data)

    assert [row[0] for row in table.rows] == [one.title for one in recipe.all_variants()]
    assert [row[1:4] for row in table.rows] == [("not medical", 8, 2)] + [("medical", 8, 2)] * 4
    assert [row[4:] for row in table.rows] == [
        ("none", None, None), ("none", None, None), ("English and Arabic", 16, 4), ("English", 8, 2), ("Arabic", 8, 2),
    ]  # fmt: skip


def test_a_profile_without_the_section_says_so_and_one_of_finished_weights_has_an_empty_table(base):
    without = profile(base).model_copy(update={"ablations": None})
    released = load_params("params/released_8b.yaml", environment={})

    with pytest.raises(DataError, match="profile demo has no ablations to train"):
        recipe.budget_table(without, recipe.AblationData(without))
    assert recipe.budget_table(released, recipe.AblationData(released)).rows == ()


# --- training ---------------------------------------------------------------------------------------------------------


def test_each_variant_is_trained_once_for_each_seed(trained):
    assert Counter((one.variant.name, one.seed) for one in trained) == Counter(
        (variant.name, seed) for variant in recipe.all_variants() for seed in (0, 1)
    )


def test_the_runs_own_seed_takes_over_what_notebooks_03_and_04_left(trained, stages, place):
    own = {one.variant.name: one for one in trained if one.seed == 0}

    assert (own["stage_1"].stage1, own["stage_1"].stage2) == (stages["stage1"], None)
    assert (own["both_languages"].stage1, own["both_languages"].stage2) == (stages["stage1"], stages["stage2"])
    assert own["english_only"].stage1 == stages["stage1"]
    assert own["baseline"].stage1 == place / "ablations/baseline/seed-0"
    assert not (place / "ablations/stage_1/seed-0").exists()


def test_another_seed_is_another_training_of_everything(trained, place):
    weights = {(one.variant.name, one.seed): data_key((one.stage2 or one.stage1) / _weights(one)) for one in trained}

    assert len(set(weights.values())) == len(trained) == 10
    other = [one for one in trained if one.seed == 1]
    assert all(place / "ablations" in one.stage1.parents for one in other)
    assert {one.stage1.parent.name for one in other} == {"baseline", "stage_1"}


def test_shapes_teach_the_projector_something_else_than_phantoms(trained):
    by_name = {one.variant.name: one for one in trained if one.seed == 1}

    assert data_key(by_name["baseline"].stage1 / "projector.safetensors") != data_key(
        by_name["stage_1"].stage1 / "projector.safetensors"
    )


def test_what_is_trained_is_not_trained_again(base, place, data, stages, trained):
    def times():
        return {file: file.stat().st_mtime_ns for file in sorted((place / "ablations").rglob("*.safetensors"))}

    before = times()

    again = recipe.trained_variants(profile(base, seeds=(0, 1)), data, folder=place / "ablations", **stages)

    assert again == trained
    assert len(before) >= 8
    assert times() == before


@pytest.mark.parametrize(
    "change",
    [{"stage1.learning_rate": 1.0e-4}, {"data.n_caption_images": 3}, {"model.dtype": "bfloat16"}, {"run.seed": 5}],
    ids=["settings", "data", "base", "seed of the data"],
)
def test_what_is_made_of_something_else_is_trained_again(base, tmp_path, change):
    def made(params):
        folder = School(params, recipe.AblationData(params), tmp_path).projector(BY_ENDING["stage_1"], seed=0)
        return data_key(folder / "projector.safetensors"), (folder / MADE_OF).stat().st_mtime_ns

    first, same, other = made(profile(base)), made(profile(base)), made(profile(base, **change))

    assert same == first
    assert other[0] != first[0]


def test_a_setting_that_does_not_change_the_result_trains_nothing_again(base, tmp_path):
    def made(params):
        folder = School(params, recipe.AblationData(params), tmp_path).projector(BY_ENDING["baseline"], seed=0)
        return (folder / MADE_OF).stat().st_mtime_ns

    first = made(profile(base))

    assert made(profile(base, **{"stage1.checkpoint_every": 1})) == first
    (tmp_path / "baseline/seed-0" / MADE_OF).write_text("{", encoding="utf-8")  # half a file knows nothing
    assert made(profile(base)) != first


def test_with_fewer_steps_nothing_is_taken_over(base, tmp_path, data, stages):
    found = recipe.trained_variants(profile(base, steps_share=0.5), data, folder=tmp_path, **stages)

    assert len(found) == 5
    assert all(tmp_path in one.stage1.parents for one in found)
    assert all(tmp_path in one.stage2.parents for one in found if one.variant.languages)
    lines = (tmp_path / "both_languages/seed-0_training/steps.jsonl").read_text().splitlines()
    assert len(lines) == 2  # half of four


def test_where_nothing_is_trained_no_variant_is(base, data, place):
    assert recipe.trained_variants(profile(base), data, folder=place, stage1=None, stage2=None) == ()


def _weights(one):
    return "adapter_model.safetensors" if one.stage2 else "projector.safetensors"


# --- asked and graded -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found(base, trained, place):
    return recipe.entries(profile(base, seeds=(0, 1)), trained, folder=place)


def test_a_row_has_a_model_for_each_seed_and_stage_2_is_the_bilingual_one(found):
    rows = {one.row: one for one in found}

    assert list(rows) == ["demo_baseline", "demo_stage_1", "demo_stage_2", "demo_eng", "demo_ara", "demo_bi"]
    assert all(list(one.models) == [0, 1] for one in found)
    assert rows["demo_stage_2"].models[1] is rows["demo_bi"].models[1]
    assert len({model.row for one in found for model in one.models.values()}) == 10


def test_finished_weights_stand_in_the_rows_the_profile_names_them_for(tmp_path):
    released = load_params("params/released_8b.yaml", environment={})

    rows = recipe.entries(released, (), folder=tmp_path)

    assert {(one.exhibit, one.row) for one in rows} == {
        (exhibit_id, row) for exhibit_id in recipe.TABLES for row in released.model.checkpoints[exhibit_id]
    }
    assert all(one.row == one.reported and list(one.models) == [0] for one in rows)


def test_a_profile_that_has_no_weights_for_either_table_says_what_to_do(tmp_path):
    other = load_params("params/released_70b.yaml", environment={})

    with pytest.raises(DataError, match=r"trains nothing and names no weights for table09 or table10; name them in"):
        recipe.entries(other, (), folder=tmp_path)


def test_from_answers_to_cells_no_number_of_the_demo_is_a_reproduced_one(base, found, tmp_path, monkeypatch):
    monkeypatch.setenv("BIMEDIX2_OUTPUTS", str(tmp_path))
    params = profile(base, seeds=(0, 1))
    run, store = start_run("11_ablations", params), JsonlStore(tmp_path / "predictions.jsonl")
    asked = mbench.mbench_set(params, tmp_path / "set")

    written = recipe.answers(found, asked, store=store)
    examined = recipe.examinations(params, found, store=store)
    judged = mbench.judged_all(params, asked, written, tmp_path / "judge")
    rows = recipe.ablated(params, found, asked, written, judged, examined)

    cells = {exhibit_id: ablations.ablation_cells(run, exhibit(exhibit_id), rows[exhibit_id]) for exhibit_id in rows}
    assert [len(one) for one in cells.values()] == [6, 3]
    assert {type(cell) for one in cells.values() for cell in one} == {Demo}
    for exhibit_id, one in cells.items():
        assert {row.verdict.word for row in compare(exhibit(exhibit_id), one).rows} == {"demo", "not run"}
    assert len(examined) == 6  # three variants of Table 9, two seeds
    assert {(row.kind, row.language) for row in examined["baseline, seed 0"].rows} == {(one, "en") for one in TABLE2}
    assert set(written["english_only, seed 1"]) == {mbench.SET_OF["ar"]}
    assert set(written["both_languages, seed 1"]) == set(mbench.SET_OF.values())
    size = len(store)
    recipe.answers(found, asked, store=store)
    recipe.examinations(params, found, store=store)
    assert len(store) == size  # what is kept is not asked again
    assert "exactly as the baseline has it: met" in ablations.floors(rows["table09"], rows["table10"])


def test_the_baseline_says_something_of_every_picture_and_is_silent_where_it_was_not_trained(found, data):
    pictures = data.pairs(BY_ENDING["baseline"])[:2]

    assert len(recipe.said_by_baseline(found, pictures)) == 2
    assert recipe.said_by_baseline([one for one in found if one.reported != "baseline"], pictures) is None


def test_the_pairs_of_a_paper_profile_are_read_from_their_file(base, tmp_path):
    picture = tiny.colour_image(40)
    picture.save(tmp_path / "1.png")
    file = tmp_path / "pairs.json"
    file.write_text(
        '[{"id": "a", "image": "1.png", "conversations": [{"from": "human", "value": "<image>\\nWhat is it?"}, '
        '{"from": "gpt", "value": "A grey square."}]}]'
    )
    pairs = {"source": "llava", "file": str(file), "image_folder": str(tmp_path)}
    params = profile(base).model_copy(
        update={"ablations": AblationParams(non_medical=pairs, seeds=[0], steps_share=1.0)}
    )

    (sample,) = recipe.AblationData(params).pairs(BY_ENDING["baseline"])

    assert (sample.target, sample.images[0].size) == ("A grey square.", picture.size)
