import os

import pytest

from bimedix2_core.reproduce.keys import Keys
from bimedix2_core.runs import data_key


@pytest.fixture
def weights(tmp_path):
    folder = tmp_path / "weights"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.bin").write_bytes(b"one")
    (folder / "deep" / "b.bin").write_bytes(b"two")
    return folder


def test_keys_are_those_of_the_content(tmp_path, weights):
    keys = Keys(tmp_path / "keys.json")

    assert keys.key(weights) == data_key(weights)
    assert keys.key(weights / "a.bin") == data_key(weights / "a.bin")
    assert keys.key(tmp_path / "absent") is None


def test_a_file_is_read_again_only_when_it_changed(tmp_path, weights):
    keys = Keys(tmp_path / "keys.json")
    before = keys.key(weights)
    keys.save()
    (tmp_path / "keys.json").write_text((tmp_path / "keys.json").read_text().replace(data_key(weights / "a.bin"), "x"))

    remembered = Keys(tmp_path / "keys.json")
    assert remembered.key(weights / "a.bin") == "x"  # taken from memory: nothing was read

    os.utime(weights / "a.bin")
    assert remembered.key(weights) == before  # touched: read again, and the same

    (weights / "a.bin").write_bytes(b"eno")
    assert remembered.key(weights) == data_key(weights) != before


def test_a_damaged_memory_is_made_anew_and_forgets_what_is_gone(tmp_path, weights):
    (tmp_path / "keys.json").write_text('{"half')
    keys = Keys(tmp_path / "keys.json")

    assert keys.key(weights) == data_key(weights)
    (weights / "a.bin").unlink()
    keys.save()
    assert "b.bin" in (tmp_path / "keys.json").read_text()
    assert "a.bin" not in (tmp_path / "keys.json").read_text()
