import torch

from bimedix2_core.model.adapters import add_lora
from bimedix2_core.model.assemble import Lmm
from bimedix2_core.model.checkpoints import fingerprint
from tests.tiny import tiny_lmm


def test_equal_weights_have_equal_fingerprints():
    assert fingerprint(tiny_lmm(seed=1)) == fingerprint(tiny_lmm(seed=1))


def test_one_changed_weight_changes_the_fingerprint():
    lmm = tiny_lmm()
    before = fingerprint(lmm)

    with torch.no_grad():
        lmm.model.model.multi_modal_projector.linear_1.bias[0] += 1e-6

    assert fingerprint(lmm) != before


def test_adapters_and_number_format_count():
    plain = tiny_lmm()
    adapted = Lmm(add_lora(tiny_lmm().model, rank=2, alpha=4, dropout=0.0, seed=0), plain.processor)
    halved = Lmm(tiny_lmm().model.to(torch.bfloat16), plain.processor)

    assert len({fingerprint(plain), fingerprint(adapted), fingerprint(halved)}) == 3
