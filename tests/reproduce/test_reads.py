import ast

import pytest

from bimedix2_core.reproduce.reads import params_read


def in_function(body):
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return f"def f(params):\n{lines}"


@pytest.mark.parametrize(
    ("source", "paths"),
    [
        ("f(params.run.seed, params.stage1)", {"run.seed", "stage1"}),
        ("run.params.run.profile", {"run.profile"}),
        ("load_base(params)", set()),
        ("record['params']; axes.tick_params(axis='y')", set()),
        ("sizes = params.benchmarks.medical_vqa", {"benchmarks.medical_vqa"}),
        ("params.model_dump()", {"model_dump"}),
        ("isinstance(params.data, LlavaData)", {"data.__class__"}),
        (in_function("data = params.data\nreturn data.stage1_file"), {"data.stage1_file"}),
        (in_function("data = params.data\nreturn read(data)"), {"data"}),
        (in_function("data = params.data\nif isinstance(data, A):\n    return data.n"), {"data.__class__", "data.n"}),
        (in_function("base, dtype = params.model.base, params.model.dtype"), {"model.base", "model.dtype"}),
        (in_function("base = params.model.base\nleft = base.left\nreturn left"), {"model.base.left"}),
        (
            in_function("if x:\n    s = params.stage1\nelse:\n    s = params.stage2\nreturn s.max_steps"),
            {"stage1", "stage2", "stage1.max_steps"},
        ),
        (in_function("s = params.stage1\ns = other\nreturn s.max_steps"), {"stage1", "stage1.max_steps"}),
        (in_function("s = params.stage1\ndef g():\n    return s.max_steps"), {"stage1.max_steps"}),
        (in_function("s = params.stage1\ndef g(s):\n    return s.max_steps"), set()),
        ("async def f(params):\n    s = params.stage1\n    return s.max_steps", {"stage1.max_steps"}),
    ],
)
def test_what_a_piece_of_code_reads_from_the_profile(source, paths):
    assert params_read(ast.parse(source)) == paths
