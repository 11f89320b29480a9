import json
from dataclasses import replace

import pytest
from tiny_notebooks import write_chain, write_notebook

from bimedix2_core.params import load_params, root
from bimedix2_core.reproduce.inputs import Site, changes, inputs_of, values_read
from bimedix2_core.reproduce.keys import Keys
from bimedix2_core.reproduce.reach import Core
from bimedix2_core.reproduce.steps import steps_in

DEMO = load_params("params/demo.yaml", environment={})
PAPER = load_params("params/paper_8b.yaml", environment={})


@pytest.fixture
def site(tmp_path):
    lock = tmp_path / "requirements.lock"
    lock.write_text("# why\nnumpy==2.4.5\ntorch==2.13.0\n")
    return Site(tmp_path / "demo", DEMO, Core(), Keys(tmp_path / "keys.json"), lock)


def step_in(folder, *sources):
    write_notebook(folder, "05_three.ipynb", *sources)
    return steps_in(folder)[-1]


def test_each_kind_of_input_that_changed_is_named(notebook_dir, site):
    write_chain(notebook_dir)
    two = steps_in(notebook_dir)[1]
    old = json.loads(json.dumps(inputs_of(two, site)))
    assert changes(old, inputs_of(two, site)) == []

    site.lock.write_text("torch==2.14.0\nnew==1\n")
    (site.shared / "stage1").mkdir(parents=True)
    changed = replace(site, params=load_params("params/demo.yaml", {"stage2.lora_r": 16}, environment={}))

    assert changes(old, inputs_of(two, changed)) == [
        "upstream result stage1 changed",
        "params stage2.lora_r changed 32 -> 16",
        "lock new counts now",
        "lock numpy counts no more",
        "lock torch changed 2.13.0 -> 2.14.0",
    ]


def test_changed_cells_are_named_by_number_and_first_line(notebook_dir, site):
    old = inputs_of(step_in(notebook_dir, "a = 1", "b = 2", "c = 3"), site)

    same = step_in(notebook_dir, "a = 1  # a comment", "\nb = (2)", "c = 3")
    assert changes(old, inputs_of(same, site)) == []
    new = step_in(notebook_dir, "a = 1", "\nb = 22", "c = 3", "d = 4")
    assert changes(old, inputs_of(new, site)) == ["code cell 4 changed (b = 22)", "code cell 6 is new (d = 4)"]
    fewer = step_in(notebook_dir, "b = 2", "c = 3")
    assert changes(old, inputs_of(fewer, site)) == ["code cell 3 was removed (a = 1)"]


def test_markdown_and_outputs_do_not_count(notebook_dir, site):
    step = step_in(notebook_dir, "a = 1")
    old = inputs_of(step, site)
    text = step.notebook.read_text()
    step.notebook.write_text(text.replace("# Title", "# Another").replace('"outputs": []', '"outputs": [], "x": 1'))

    assert changes(old, inputs_of(step, site)) == []


def test_a_file_a_value_of_the_profile_names_counts_by_content(notebook_dir, site, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_text("a")
    overrides = {"data.reader_images": str(tmp_path / "photos")}
    site = replace(site, params=load_params("params/demo.yaml", overrides, environment={}))
    step = step_in(notebook_dir, "f(params.data.reader_images)")
    old = inputs_of(step, site)
    (tmp_path / "photos" / "a.png").write_text("b")

    assert changes(old, inputs_of(step, site)) == ["data data.reader_images changed"]
    other = step_in(notebook_dir, "f(params.run.seed)")
    assert inputs_of(other, site)["data"] == {}


@pytest.mark.parametrize(
    ("params", "paths", "values"),
    [
        (DEMO, ["run.seed"], {"run.seed": 0}),
        (DEMO, ["data.stage1_file", "stage1.max_steps.real"], {"stage1.max_steps": 168}),
        (PAPER, ["data.__class__", "data.stage1_file"],
         {"data (kind)": "LlavaData", "data.stage1_file": PAPER.data.stage1_file}),
        (PAPER, ["model.base"], {"model.base.language_model": PAPER.model.base.language_model,
                                 "model.base.vision_tower": PAPER.model.base.vision_tower}),
        (DEMO, ["trains"], {"trains": True}),
        (DEMO, ["benchmarks.uphill.model_dump"],
         {f"benchmarks.uphill.{name}": value for name, value in DEMO.benchmarks.uphill}),
    ],
)  # fmt: skip
def test_values_are_found_below_what_is_read(params, paths, values):
    assert values_read(params, paths) == values


def test_a_profile_that_is_shown_or_dumped_counts_as_a_whole():
    everything = values_read(DEMO, [""])

    assert values_read(DEMO, ["model_dump"]) == everything
    assert {"run.profile", "stage1.max_steps", "stage2.lora_r", "benchmarks.medical_vqa.n_open"} <= set(everything)


def test_the_real_lock_file_is_read_to_its_last_pin(notebook_dir, site):
    pins = inputs_of(step_in(notebook_dir), replace(site, lock=root() / "requirements.lock"))["lock"]

    lines = (root() / "requirements.lock").read_text().splitlines()
    assert [f"{name}=={version}" for name, version in pins.items()] == [line for line in lines if line[0] != "#"]
    assert pins["torch"] == "2.13.0"
