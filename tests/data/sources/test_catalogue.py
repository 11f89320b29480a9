import pytest

from bimedix2_core.data.sources import SOURCES, BadRows, read_source, source_named
from bimedix2_core.data.sources.catalogue import PARTS
from bimedix2_core.errors import DataError


def test_no_two_sources_share_an_id():
    ids = [source.card.source_id for part in PARTS for source in part.SOURCES]

    assert sorted(ids) == sorted(SOURCES)


def test_every_card_says_who_made_the_set_and_under_which_licence():
    for source in SOURCES.values():
        assert source.card.name
        assert source.card.licence
        assert source.card.citation


def test_an_id_that_ends_in_ar_is_read_as_arabic_and_no_other():
    for id, source in SOURCES.items():
        assert (source.language == "ar") == id.endswith("_ar"), id


def test_an_unknown_source_is_an_error_with_the_likely_spelling(tmp_path):
    with pytest.raises(DataError, match="no source 'medmqca'; did you mean medmcqa"):
        read_source("medmqca", tmp_path / "q.json", bad_rows=BadRows(0))
    with pytest.raises(DataError, match=r"no source 'xyz'; known: pubmedqa, medmcqa"):
        source_named("xyz")


def test_a_missing_file_is_said_at_once(tmp_path):
    with pytest.raises(DataError, match=r"none\.json: no such data file"):
        read_source("medqa", tmp_path / "none.json", bad_rows=BadRows(0))
