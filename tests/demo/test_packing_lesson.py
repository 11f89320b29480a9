import numpy as np
import pytest
import tiny

from bimedix2_core.demo.packing_lesson import PackedStep
from bimedix2_core.errors import DataError

TWINS = [tiny.sample(name="a"), tiny.sample(name="a", language="ar"), tiny.sample(name="t", n_images=0)]


def packed_step(folder, samples):
    settings = tiny.stage1_settings(global_batch_size=len(samples), max_steps=1)
    return PackedStep(tiny.tiny_lmm(), samples, settings, seed=0, folder=folder)


def test_the_table_counts_padding_packing_and_sharing_by_hand(tmp_path):
    step = packed_step(tmp_path, TWINS)
    english, arabic, text = step.data.lengths.tolist()
    prefix = int(step.data.n_prefix[0])

    padded, packed, shared = step.table().rows

    assert padded[1] == 3 * max(english, arabic, text)
    assert packed[1] == english + arabic + text
    assert shared[1] == english + arabic + text - prefix
    assert shared[2] == f"{padded[1] / shared[1]:.2f}"


def test_a_branch_sees_the_prefix_and_itself_and_not_its_sibling(tmp_path):
    step = packed_step(tmp_path, TWINS[:2])
    english, arabic = step.data.lengths.tolist()
    prefix = int(step.data.n_prefix[0])

    sees = step._sees()

    n = english + arabic - prefix
    expected = np.tril(np.ones((n, n), dtype=bool))
    expected[english:, prefix:english] = False
    assert np.array_equal(sees, expected)


def test_data_without_shared_images_has_no_such_picture(tmp_path):
    with pytest.raises(DataError, match="no two samples of this step share an image"):
        packed_step(tmp_path, TWINS[2:]).picture(title="")
