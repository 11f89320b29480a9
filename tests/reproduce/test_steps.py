import pytest
from tiny_notebooks import write_chain, write_notebook

from bimedix2_core.errors import DataError, PaperError
from bimedix2_core.reproduce.steps import Need, Step, chosen, for_profile, steps_in


@pytest.fixture
def steps(tmp_path):
    names = ["00_start_here", "03_stage1_alignment", "04_stage2_lora", "09_medical_vqa"]
    return tuple(Step(tmp_path / f"{name}.ipynb") for name in names)


def test_who_needs_whose_results_is_read_from_the_cells(notebook_dir):
    write_chain(notebook_dir)
    write_notebook(notebook_dir, "99_all_exhibits.ipynb")

    one, two, three, collector = steps_in(notebook_dir)

    assert (one.needs, one.leaves) == ((), ("stage1",))
    assert (two.needs, two.makers, two.leaves) == ((Need("stage1", "03_one"),), ("03_one",), ())
    assert (three.needs, three.collects) == ((), ())
    assert (collector.needs, collector.collects) == ((), ("03_one", "04_two", "05_three"))


def test_a_profile_of_finished_weights_needs_no_result_of_a_training(notebook_dir):
    write_chain(notebook_dir)
    write_notebook(notebook_dir, "04_two.ipynb", "run.need_trained('stage1', notebook='03_one')")

    steps = steps_in(notebook_dir)

    assert steps[1].needs == (Need("stage1", "03_one", wanted_if="trains"),)
    assert for_profile(steps, trains=True, synthesises=False) == steps
    assert for_profile(steps, trains=False, synthesises=True)[1].needs == ()


def test_a_profile_that_makes_no_samples_needs_none(notebook_dir):
    write_chain(notebook_dir)
    write_notebook(notebook_dir, "04_two.ipynb", "run.need_synthesised('chats', notebook='03_one')")

    steps = steps_in(notebook_dir)

    assert steps[1].needs == (Need("chats", "03_one", wanted_if="synthesises"),)
    assert for_profile(steps, trains=False, synthesises=True)[1].needs == steps[1].needs
    assert for_profile(steps, trains=True, synthesises=False)[1].needs == ()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("run.need('x', notebook='02_absent')", r"04_two needs 'x' of notebook '02_absent'; .*there are 03_one"),
        ("run.need('x', notebook='05_three')", r"needs 'x' of notebook '05_three'; expected an earlier notebook"),
        ("run.need('x', notebook='04_two')", "expected an earlier notebook"),
        (
            "run.need(name, notebook='03_one')",
            r"04_two\.ipynb, code cell 3: run\.need\(name, .* both names written out",
        ),
        ("run.need('x')", "both names written out"),
        ("run.need('x', notebook=3)", "both names written out"),
    ],
)
def test_a_need_that_cannot_be_met_or_read_is_an_error(notebook_dir, source, message):
    write_chain(notebook_dir)
    write_notebook(notebook_dir, "04_two.ipynb", source)

    with pytest.raises(DataError, match=message):
        steps_in(notebook_dir)


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (["09"], ["09"]),
        (["table05"], ["09"]),
        (["04_stage2_lora.ipynb", "table11", "fig02"], ["00", "04"]),
        ([], ["00", "03", "04", "09"]),
    ],
)
def test_a_notebook_is_meant_by_number_name_or_exhibit(steps, only, expected):
    assert [step.name[:2] for step in chosen(steps, only=only)] == expected


def test_from_a_notebook_on(steps):
    assert [step.name[:2] for step in chosen(steps, start="table11")] == ["04", "09"]
    assert [step.name[:2] for step in chosen(steps, start="00")] == ["00", "03", "04", "09"]


def test_an_unknown_name_lists_what_there_is(steps):
    with pytest.raises(PaperError) as error:
        chosen(steps, only=["0"])

    assert "notebooks, by number or name: 00_start_here, 03_stage1_alignment, 04_stage2_lora, 09_medical_vqa\n" in str(
        error.value
    )
    assert str(error.value).endswith("  exhibits: table05, table11, fig02")
    with pytest.raises(PaperError, match="table02 is made in notebook 06_clinical_qa, which is not written yet"):
        chosen(steps, start="table02")


@pytest.mark.parametrize("content", ["<<<<<<< HEAD", "{}", "[]", '{"cells": "x", "nbformat": 4, "nbformat_minor": 5}'])
def test_a_notebook_that_cannot_be_read_is_one_clear_error(notebook_dir, content):
    (notebook_dir / "00_broken.ipynb").write_text(content)

    with pytest.raises(DataError, match=r"00_broken\.ipynb: no notebook of Jupyter's format 4; restore it"):
        steps_in(notebook_dir)
