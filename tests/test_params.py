import re

import pytest
import yaml
from pydantic import ValidationError

from bimedix2_core.errors import CompanionError, ParamsError
from bimedix2_core.params import LlavaData, Params, load_params, read_profile, root

PROFILES = sorted((root() / "params").glob("*.yaml"))
PROVENANCE = re.compile(r"#\s*(paper|code|assumed|local): \S")

SERVER = {
    "kind": "endpoint", "model": "some-model", "url": "http://127.0.0.1:9/v1", "api_key_variable": None, "in_flight": 2,
    "timeout": 1.0, "budget": None, "prompt_price": 0.0, "completion_price": 0.0,
}  # fmt: skip
QUESTION_FILES = {"english": "en.jsonl", "arabic": "ar.jsonl", "images": "images", "n_images": None, "judge": SERVER}


@pytest.fixture
def demo() -> dict:
    """The values of the demo profile, free to be broken."""
    return read_profile("params/demo.yaml", environment={})[0]


def complaint(values, overrides=None) -> str:
    with pytest.raises(ParamsError) as caught:
        load_params(values, overrides, environment={})
    return str(caught.value)


def scalars_without_remark(text: str) -> list[str]:
    """Values of a profile whose line does not say where they come from."""
    lines = text.splitlines()
    nodes = [yaml.compose(text)]
    missing = []
    while nodes:
        for key, value in nodes.pop().value:
            if isinstance(value, yaml.MappingNode):
                nodes.append(value)
            elif not PROVENANCE.search(lines[value.start_mark.line]):
                missing.append(f"line {value.start_mark.line + 1}: {key.value}")
    return sorted(missing)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda file: file.stem)
def test_every_profile_fits_the_schema_and_is_named_after_its_file(profile):
    assert load_params(profile, environment={}).run.profile == profile.stem


@pytest.mark.parametrize("profile", [file for file in PROFILES if file.stem != "demo"], ids=lambda file: file.stem)
def test_every_value_of_a_profile_but_the_demo_says_where_it_comes_from(profile):
    missing = scalars_without_remark(profile.read_text())

    assert not missing, (
        f"{profile.name}: end these lines with `# paper:`, `# code:`, `# assumed:` or `# local:`: {missing}"
    )


def test_a_value_without_a_remark_is_noticed():
    text = "params:\n  run:\n    seed: 0 # assumed: no seed is given\n    threads: 2 # two\n    device: cpu\n"

    assert scalars_without_remark(text) == ["line 4: threads", "line 5: device"]


def test_the_paper_profile_holds_table_11():
    # paper/reported/table11_hyperparameters.csv: per device x accumulation x 8 devices
    params = load_params("params/paper_8b.yaml", environment={})

    assert (params.stage1.learning_rate, params.stage2.learning_rate) == (1.0e-3, 2.0e-4)
    assert params.stage2.projector_learning_rate == 2.0e-5
    assert (params.stage1.global_batch_size, params.stage2.global_batch_size) == (1 * 1 * 8, 4 * 4 * 8)
    assert (params.stage2.lora_r, params.stage2.lora_alpha) == (8, 16)
    assert params.stage1.warmup_ratio == params.stage2.warmup_ratio == 0.03
    assert params.stage1.weight_decay == params.stage2.weight_decay == 0.0
    assert params.stage1.epochs == params.stage2.epochs == 1
    assert params.model.dtype == "bfloat16"


@pytest.fixture
def released() -> dict:
    """The values of a profile that trains nothing, free to be broken."""
    return read_profile("params/released_8b.yaml", environment={})[0]


def test_the_profiles_of_design_are_there():
    assert [file.stem for file in PROFILES] == [
        "bimedix_moe", "demo", "gpu_smoke", "paper_70b", "paper_8b", "released_70b", "released_8b"
    ]  # fmt: skip


def test_the_released_8b_names_its_checkpoint_for_each_exhibit(released):
    # BiMed-MBench/README.md of the official repository: the English script and the Arabic script
    checkpoints = load_params(released).model.checkpoints

    assert checkpoints["table03"] == {"bimedix2_8b": "MBZUAI/BiMediX2-8B"}
    assert checkpoints["table04"] == {"bimedix2_8b": "MBZUAI/BiMediX2-8B-Bi"}


def test_finished_weights_are_not_trained(released):
    params = load_params(released)

    assert not params.trains
    assert (params.stage1, params.stage2) == (None, None)
    assert params.model.dtype == "float16"


def test_the_70b_differs_from_the_8b_in_its_language_model_and_in_how_it_fits_the_machine_only():
    small, large = (load_params(f"params/paper_{size}.yaml", environment={}).model_dump() for size in ("8b", "70b"))

    large["run"]["profile"] = small["run"]["profile"]
    large["model"]["base"]["language_model"] = small["model"]["base"]["language_model"]
    assert (large.pop("ablations"), small.pop("ablations") is None) == (None, False)  # Tables 9 and 10 are of the 8B
    assert (large["run"].pop("sharding"), small["run"].pop("sharding")) == ("full", "none")
    for stage in ("stage1", "stage2"):
        for setting in ("activation_checkpointing", "compile_layers"):  # time and memory, the same result
            assert large[stage].pop(setting) != small[stage].pop(setting)
    assert large == small


def test_the_smoke_profile_draws_its_weights_and_makes_twenty_steps_of_each_stage():
    params = load_params("params/gpu_smoke.yaml", environment={})

    assert params.run.kind == "smoke"
    assert params.model.base.random_weights == "bimedix2_8b"
    assert (params.stage1.max_steps, params.stage2.max_steps) == (20, 20)


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("model.checkpoints", {"table03": "a/b"}, "model.checkpoints.table03: input should be a valid dictionary"),
        ("model.base", "a/b", "finished weights, but base names something to train"),
        ("data", {"source": "phantoms"}, "data.n_caption_images: required, but absent"),
        ("data.n_caption_images", 3, "it belongs to another source than 'none'"),
        ("stage1", {}, "stage1.learning_rate: required, but absent"),
    ],
)
def test_a_profile_of_finished_weights_that_is_half_something_else_is_refused(released, path, value, expected):
    assert expected in complaint(released, {path: value})


@pytest.mark.parametrize(
    ("checkpoints", "expected"),
    [
        ({}, "model.checkpoints: none, and base is null; give base, or null and the weights of each exhibit"),
        ({"table03": {}}, "model.checkpoints: table03: no row; write table04: {bimedix2_8b: hub/id}"),
    ],
)
def test_neither_a_base_nor_weights_are_refused(released, checkpoints, expected):
    released["model"]["checkpoints"] = checkpoints

    assert expected in complaint(released)


def test_what_would_be_trained_beside_finished_weights_is_refused_all_at_once(released, demo):
    said = complaint(released, {"data": demo["data"], "stage1": demo["stage1"], "stage2": demo["stage2"]})

    assert "data: model.base is null, so nothing is trained; write source: none, or name a base" in said
    assert "stage1: model.base is null, so nothing is trained; write null, or name a base" in said
    assert "stage2: model.base is null" in said


def test_a_base_without_anything_to_train_it_is_refused_all_at_once(demo):
    said = complaint(demo, {"data": {"source": "none", "reader_images": None}, "stage1": None, "stage2": None})

    assert [line.split(":")[0].strip() for line in said.splitlines()[1:]] == ["data", "stage1", "stage2"]
    assert "model.base is to be trained, but nothing is given here; fill it in, or make base null" in said


def test_float16_is_not_trained(demo):
    assert "stage1: model.dtype is float16, which this training does not scale" in complaint(
        demo, {"model.dtype": "float16"}
    )


def test_a_key_of_a_stage_that_may_be_null_is_still_spelt_right(demo):
    assert "stage2.lora_rr: unknown key; did you mean `lora_r`?" in complaint(demo, {"stage2.lora_rr": 8})


def test_weights_are_drawn_in_a_known_shape_only(demo):
    said = complaint(demo, {"model.base": {"random_weights": "bimedix2_4b"}})

    assert "model.base.random_weights: input should be 'bimedix2_8b' or 'bimedix2_70b', found 'bimedix2_4b'" in said


def test_a_file_of_an_unknown_kind_is_one_clear_error(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text((root() / "params/demo.yaml").read_text().replace("kind: demo", "kind: real"))

    assert complaint(file).splitlines()[1:] == [
        "  run.kind: input should be 'demo', 'paper' or 'smoke', found 'real' (text)"
    ]


def test_parameters_cannot_be_changed_after_loading(demo):
    params = load_params(demo)

    with pytest.raises(ValidationError, match="frozen"):
        params.run.seed = 1


def test_a_mapping_is_taken_with_and_without_its_top_key(demo):
    assert load_params({"params": demo}) == load_params(demo)


def test_all_problems_come_in_one_error(demo):
    demo["stage2"]["lora_rr"] = demo["stage2"].pop("lora_r")
    demo["stage2"]["lora_alpha"] = "sixteen"
    demo["stage1"]["max_length"] = 5000
    demo["run"]["seed"] = True
    demo["bench"] = {}

    assert complaint(demo).splitlines() == [
        "the injected profile does not fit Params:",
        "  run.seed: expected a whole number, found True (true or false); "
        "YAML reads yes, no, on and off as true and false",
        "  stage1.max_length: 5000 tokens do not fit a row of row_length 4096; raise row_length to 5000",
        "  stage2.lora_r: required, but absent",
        "  stage2.lora_alpha: expected a whole number, found 'sixteen' (text)",
        "  stage2.lora_rr: unknown key; did you mean `lora_r`?",
        "  bench: unknown key; did you mean `benchmarks`?",
    ]


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (
            "stage1.learning_rate",
            "5e-5",
            "expected a number, found '5e-5' (text); YAML reads this as text, write 5.0e-5",
        ),
        ("stage1.learning_rate", "1.5E3", "write 1.5e+3"),
        ("stage1.learning_rate", "0.001", "write 0.001 without quotes"),
        ("stage1.learning_rate", 0.0, "greater than 0"),
        ("stage1.learning_rate", float("nan"), "found nan (a number)"),
        ("stage1.learning_rate", True, "expected a number, found True"),
        ("stage1.max_steps", 1.5, "found 1.5 (a number)"),
        ("stage1.warmup_ratio", 1.0, "less than 1"),
        ("stage1.max_steps", None, "give exactly one of epochs and max_steps (null the other); found neither"),
        ("stage1.epochs", 1, "found epochs 1 and max_steps 168"),
        ("run.profile", "../elsewhere", "found '../elsewhere'"),
        ("run.kind", "real", "'demo', 'paper' or 'smoke', found 'real'"),
        ("run.threads", 0, "greater than or equal to 1"),
        ("run", "fast", "expected a section with its own keys, found 'fast' (text)"),
        ("model.base", "", "at least 1 character"),
        ("model.base", {"vision_tower": "a"}, "model.base.language_model: required, but absent"),
        ("data.source", "llavaa", "unknown source 'llavaa'; known: 'phantoms', 'llava', 'none'"),
        ("data.stage1_file", "a.json", "it belongs to another source than 'phantoms'"),
        ("lora_r", 8, "it belongs to `stage2.lora_r`"),
        ("inference.beam", 8, "unknown key; known here: batch_size, max_new_tokens, temperature, top_p"),
    ],
)
def test_a_wrong_value_is_refused_in_words_that_help(demo, path, value, expected):
    assert expected in complaint(demo, {path: value})


def test_the_next_whole_number_is_still_a_number(demo):
    assert load_params(demo, {"inference.temperature": 1}).inference.temperature == 1.0


def test_overrides_are_taken_nested_and_dotted(demo):
    params = load_params(demo, {"stage2": {"lora_r": 16}, "stage2.lora_alpha": 32, "run.seed": 7})

    assert (params.stage2.lora_r, params.stage2.lora_alpha, params.run.seed) == (16, 32, 7)
    assert params.stage2.lora_dropout == load_params(demo).stage2.lora_dropout


def test_another_source_replaces_the_whole_data_section(demo):
    llava = {"source": "llava", "stage1_file": "1", "stage2_file": "2", "image_folder": "i", "reader_images": None}

    assert load_params(demo, {"data": llava}).data == LlavaData(**llava)


def test_steps_give_way_to_epochs(demo):
    stage = load_params(demo, {"stage1": {"epochs": 2, "max_steps": None}}).stage1

    assert (stage.epochs, stage.max_steps) == (2, None)


def test_overrides_leave_the_mapping_they_change_alone(demo):
    load_params(demo, {"run.seed": 7})

    assert demo["run"]["seed"] == 0


@pytest.mark.parametrize("overrides", [[1], "run.seed: 1", 3])
def test_overrides_that_are_no_mapping_are_refused(demo, overrides):
    assert "expected a mapping such as" in complaint(demo, overrides)


def test_the_environment_replaces_the_default_profile_only(tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text((root() / "params/demo.yaml").read_text().replace("seed: 0", "seed: 5"))
    environment = {"BIMEDIX2_PARAMS": str(other)}

    assert load_params("params/demo.yaml", environment=environment).run.seed == 5
    assert load_params("params/paper_8b.yaml", environment=environment).run.profile == "paper_8b"
    assert load_params("params/demo.yaml", environment={"BIMEDIX2_PARAMS": ""}).run.seed == 0


def test_a_profile_is_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text((root() / "params/demo.yaml").read_text())

    assert load_params("params/demo.yaml", environment={}) == load_params("mine.yaml", environment={})


def test_a_missing_file_is_named_with_the_likely_one():
    assert "did you mean params/demo.yaml?" in complaint("params/dmeo.yaml")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("params: [", "is not readable as YAML"),
        ("run: {seed: 0}", "no mapping under a top key `params:`; found a mapping"),
        ("just words", "found 'just words' (text)"),
        ("", "found nothing (null)"),
        ("params: {run: {}}\nrun: {}", "keys beside `params:`: run"),
        ("params: {run: {seed: 1, seed: 2}}", "key given twice: seed"),
        ("params: !!python/object:os.system {}", "is not readable as YAML"),
    ],
)
def test_a_file_that_is_no_profile_is_one_clear_error(tmp_path, content, expected):
    file = tmp_path / "x.yaml"
    file.write_text(content)

    assert expected in complaint(str(file))


def test_bytes_that_are_no_text_are_an_error(tmp_path):
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00")

    assert "is not readable as YAML" in complaint(tmp_path / "x.yaml")


@pytest.mark.parametrize("value", [3, None, ["params/demo.yaml"]])
def test_something_that_is_no_profile_is_refused(value):
    assert "expected a path or a mapping" in complaint(value)


def test_the_error_is_also_a_value_error():
    assert issubclass(ParamsError, ValueError)
    assert issubclass(ParamsError, CompanionError)


def test_every_parameter_says_what_it_means():
    silent = [
        f"{section.__name__}.{name}"
        for section in [Params, *Params.__base__.__subclasses__()]
        for name, field in section.model_fields.items()
        if not field.description
    ]

    assert not silent, f"write a docstring under these fields: {silent}"


def test_shown_in_a_notebook_the_parameters_are_a_table_of_all_values(demo):
    table = load_params(demo)._repr_html_()

    assert "<code>stage2.lora_r</code></td><td style='text-align:left'>32</td>" in table
    assert "<code>run.device</code>" in table


# --- benchmarks -------------------------------------------------------------------------------------------------------


def of_section(name, **changes):
    return {f"benchmarks.{name}.{key}": value for key, value in changes.items()}


def test_questions_of_files_are_taken_with_their_figures_and_a_judge(demo):
    settings = load_params(demo, of_section("bimed_mbench", **QUESTION_FILES)).benchmarks.bimed_mbench

    assert (settings.arabic, settings.n_images, settings.judge.model) == ("ar.jsonl", None, "some-model")


def test_a_rubric_cannot_grade_the_questions_of_a_file(demo):
    said = complaint(demo, of_section("bimed_mbench", **QUESTION_FILES | {"judge": None}))

    assert "bimed_mbench.judge: the rubric grades phantoms only; name a judge for the questions of a file" in said


def test_a_judge_may_grade_the_projects_own_questions(demo):
    assert load_params(demo, of_section("bimed_mbench", judge=SERVER)).benchmarks.bimed_mbench.n_images == 24


@pytest.mark.parametrize(
    "changes",
    [
        {"arabic": None},  # one language only
        {"english": None},
        {"images": None},
        {"n_images": 24},  # files and a number to draw
        {"images": None, "n_images": 24},  # some files and a number
        {"english": None, "arabic": None, "images": None},  # neither
    ],
    ids=str,
)
def test_questions_are_all_of_files_or_all_drawn(demo, changes):
    said = complaint(demo, of_section("bimed_mbench", **QUESTION_FILES | changes))

    assert "bimed_mbench.n_images: give the files english and arabic and the folder images, or three times null" in said


def test_both_orders_are_taken_and_one_order_twice_is_not(demo):
    both = ["answer_first", "reference_first"]

    assert load_params(demo, of_section("bimed_mbench", orders=both)).benchmarks.bimed_mbench.orders == both
    said = complaint(demo, of_section("bimed_mbench", orders=["reference_first", "reference_first"]))
    assert "bimed_mbench.orders: reference_first, reference_first: an order stands there twice; ask more often" in said


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("orders", [], "list should have at least 1 item"),
        ("orders", ["first"], "orders.0: input should be 'reference_first' or 'answer_first', found 'first'"),
        ("repeats", 0, "greater than or equal to 1"),
        ("n_images", 0, "greater than or equal to 1"),
    ],
)
def test_the_judge_is_asked_in_a_known_order_and_at_least_once(demo, key, value, expected):
    assert expected in complaint(demo, of_section("bimed_mbench", **{key: value}))


@pytest.mark.parametrize("kind", ["serve", "vllm"])
@pytest.mark.parametrize(
    "place", ["endpoints.gpt", "uphill.judge", "bimed_mbench.judge", "bimed_mbench.translators.google"]
)
def test_a_benchmark_starts_no_server_but_asks_one_that_runs(demo, place, kind):
    *path, last = place.split(".")
    section = ".".join(["benchmarks", *path])

    assert load_params(demo, {section: {last: SERVER}})
    said = complaint(demo, {section: {last: SERVER | {"kind": kind, "url": None}}})
    assert f"benchmarks.{place}: kind is {kind}, but a benchmark starts no server; start it and write" in said


def test_two_translators_may_stand_side_by_side_one_of_them_the_phrasebook(demo):
    params = load_params(demo, of_section("bimed_mbench", translators={"google": SERVER}))

    assert list(params.benchmarks.bimed_mbench.translators) == ["phrasebook", "google"]


@pytest.mark.parametrize("name", ["../elsewhere", "gpt 4", "a/b", ""])
@pytest.mark.parametrize("place", ["endpoints", "answer_files", "bimed_mbench.translators"])
def test_the_name_of_a_row_is_that_of_a_folder_too(demo, place, name):
    value = "answers" if place == "answer_files" else SERVER
    section = demo["benchmarks"]
    for part in place.split("."):
        section = section[part]
    section["gpt-4o_2024"] = value
    assert load_params(demo)

    section[name] = value
    assert "string should match pattern" in complaint(demo)


def test_a_row_has_the_answers_of_an_endpoint_or_of_a_folder_and_not_of_both(demo):
    load_params(demo, {"benchmarks.endpoints": {"gpt": SERVER}, "benchmarks.answer_files": {"gpt_4o": "answers"}})
    said = complaint(demo, {"benchmarks.endpoints": {"gpt": SERVER}, "benchmarks.answer_files": {"gpt": "answers"}})

    assert "answer_files: gpt: the name of an endpoint too; a row has the answers of one model" in said


@pytest.mark.parametrize(
    ("set_id", "expected"),
    [
        ("rad_vqa", None),
        ("vqa_rad", "sets.vqa_rad.[key]: input should be 'rad_vqa', 'slake_vqa' or 'path_vqa', found 'vqa_rad'"),
    ],
)
def test_a_set_of_image_questions_is_one_of_table_5(demo, set_id, expected):
    places = {"benchmarks.medical_vqa.sets": {set_id: {"test": "test.json", "images": "images", "training": None}}}

    if expected is None:
        assert load_params(demo, places).benchmarks.medical_vqa.sets[set_id].training is None
    else:
        assert expected in complaint(demo, places)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ({"test": None, "images": None, "training": None}, "rad_vqa.test: expected text, found nothing (null)"),
        ({"test": "", "images": None, "training": None}, "rad_vqa.test: string should have at least 1 character"),
        ({"test": "test.json", "training": None}, "rad_vqa.images: required, but absent"),
    ],
)
def test_a_set_names_its_test_questions_and_says_of_the_rest_that_there_is_none(demo, place, expected):
    assert expected in complaint(demo, {"benchmarks.medical_vqa.sets": {"rad_vqa": place}})


def test_reports_are_drawn_in_a_number_or_read_whole_from_a_set(demo):
    said = complaint(demo, of_section("reports", n_reports=None))

    assert "reports.n_reports: name a set, or say how many reports the project is to draw of its own" in said
    for name in ("mimic_cxr", "mimic_iii", "iu_xray"):
        changes = of_section("reports", n_reports=None, private="data/private", **{name: "data/somewhere"})
        assert load_params(demo, changes).benchmarks.reports.n_reports is None


@pytest.mark.parametrize("name", ["mimic_cxr", "mimic_iii"])
@pytest.mark.parametrize(
    "private",
    [None, "outputs", "outputs/private", "./outputs/private", "../main/outputs/x", "/data/outputs/me", "outputs\\me"],
)
def test_credentialed_reports_need_a_folder_apart_from_outputs(demo, name, private):
    said = complaint(demo, of_section("reports", private=private, **{name: "data/somewhere"}))

    assert f"reports.private: {name} are credentialed; name a folder for their texts that is not in outputs" in said
    assert f"found {private!r}" in said


@pytest.mark.parametrize("private", ["data/private", "/data/private", "data/my_outputs", "outputs2", "not/output"])
def test_a_folder_that_only_sounds_like_outputs_is_taken(demo, private):
    changes = of_section("reports", private=private, mimic_cxr="a", mimic_iii="b")

    assert load_params(demo, changes).benchmarks.reports.private == private


def test_both_credentialed_sets_are_named_and_what_anybody_may_have_needs_no_private_folder(demo):
    both = complaint(demo, of_section("reports", mimic_cxr="a", mimic_iii="b"))

    assert "mimic_cxr and mimic_iii are credentialed" in both
    assert load_params(demo, of_section("reports", iu_xray="reports.json")).benchmarks.reports.private is None


@pytest.mark.parametrize("section", ["medical_vqa", "reports"])
def test_a_benchmark_is_asked_in_at_least_one_way(demo, section):
    assert "list should have at least 1 item" in complaint(demo, of_section(section, protocols=[]))


def test_every_profile_that_names_credentialed_reports_keeps_them_apart():
    named = [load_params(file, environment={}).benchmarks.reports for file in PROFILES]

    assert {one.private for one in named if one.mimic_cxr or one.mimic_iii} == {"data/private_reports"}
    assert {one.private for one in named if not (one.mimic_cxr or one.mimic_iii)} == {None}


def test_a_misspelt_key_of_a_named_endpoint_is_found_too(demo):
    said = complaint(demo, {"benchmarks.endpoints.gpt.modell": "gpt-4o"})

    assert "benchmarks.endpoints.gpt.modell: unknown key; did you mean `model`?" in said
