import pytest

from bimedix2_core.reproduce.reach import Core, code_of


@pytest.fixture
def core(tmp_path):
    """A package: a imports b inside a function, b imports the package d; c stands alone; d has data below."""
    folder = tmp_path / "tiny_core"
    files = {
        "__init__.py": '"""Tiny."""',
        "a.py": "def f():\n    from tiny_core.b import g\n    return g()",
        "b.py": "import tiny_core.d.e\n\ndef g():\n    return 1",
        "c.py": "import os",
        "d/__init__.py": "",
        "d/e.py": "from tiny_core import a  # a circle",
        "d/grammar.yaml": "x: 1",
        "d/base/weights.bin": "w",
        "d/.hidden": "",
        "d/sub/__init__.py": "",
        "d/sub/own.csv": "",
        "top.txt": "",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return Core(folder)


def names(core, files):
    return [file.relative_to(core.folder).as_posix() for file in files]


def test_modules_are_reached_through_each_other_with_the_packages_they_are_in(core):
    assert names(core, core.reached(["tiny_core.a.f"])) == ["__init__.py", "a.py", "b.py", "d/__init__.py", "d/e.py"]
    assert names(core, core.reached(["tiny_core.c", "numpy.linalg"])) == ["__init__.py", "c.py"]
    assert core.reached(["numpy"]) == {}


def test_data_beside_a_module_counts_and_that_of_other_packages_does_not(core):
    modules = core.reached(["tiny_core.d.e"])

    assert names(core, core.data_beside(modules)) == ["d/base/weights.bin", "d/grammar.yaml", "top.txt"]
    assert names(core, core.data_beside(core.reached(["tiny_core.c"]))) == ["top.txt"]


def test_a_module_is_read_again_when_it_changed(core):
    file = core.folder / "c.py"
    before = core.reached(["tiny_core.c"])[file].key
    file.write_text("import os, tiny_core.b")

    assert core.reached(["tiny_core.c"])[file].key != before
    assert core.folder / "b.py" in core.reached(["tiny_core.c"])


MODULE = "from x import y\n\ndef f(a):\n    return y(a, 1)\n"


@pytest.mark.parametrize(
    ("changed", "is_same"),
    [
        ('"""A docstring."""\n' + MODULE, True),
        (MODULE.replace("    return", '    """What f does."""\n    # why\n    return'), True),
        (MODULE.replace("(a, 1)", "(\n        a,\n        1,\n    )"), True),
        (MODULE.replace("1", "2"), False),
        (MODULE.replace("a, 1", "1, a"), False),
        (MODULE + 'NAME = "text"\n', False),
    ],
)
def test_a_modules_key_is_that_of_its_statements(changed, is_same):
    assert (code_of(changed, is_module=True).key == code_of(MODULE, is_module=True).key) == is_same


def test_a_cell_that_shows_the_profile_reads_all_of_it_and_a_text_at_its_end_counts():
    assert code_of("params", is_module=False).params == {""}
    assert code_of("params = load_params(params)", is_module=False).params == set()
    assert code_of("'shown'", is_module=False).key != code_of("'said'", is_module=False).key


def test_code_that_is_no_python_has_its_text_as_its_key():
    assert code_of("%pip install x", is_module=False).key != code_of("%pip install y", is_module=False).key
