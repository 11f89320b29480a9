import datasets
import pytest
import tiny

from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.data.sources import SOURCES, BadRows, catalogue, read_source, source_named
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


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def test_images_of_a_data_set_laid_out_as_on_the_hub_stay_the_bytes_they_are(tmp_path, own_cache):
    image = tmp_path / "a.jpg"
    tiny.colour_image(10).save(image, quality=60)
    published = {
        "image": [{"bytes": image.read_bytes(), "path": "a.jpg"}],
        "question": ["Where is it?"],
        "answer": ["left"],
    }
    text = datasets.Value("string")
    features = datasets.Features({"image": datasets.Image(), "question": text, "answer": text})
    (tmp_path / "hub" / "data").mkdir(parents=True)
    file = tmp_path / "hub" / "data" / "train-00000-of-00001.parquet"
    datasets.Dataset.from_dict(published, features=features).to_parquet(file)
    store = ImageStore(tmp_path / "store")

    (row,) = read_source("path_vqa", f"hub:{tmp_path / 'hub'}", bad_rows=BadRows(0), images=store)

    assert row.images == (store.add(image),)  # decoded and encoded again it would have another key
    assert (row.answer, row.facts) == ("left", {"image": "a.jpg"})


def test_a_csv_file_whose_columns_have_no_known_types_is_streamed_too(tmp_path, own_cache):
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "train.csv").write_text("question,answer\nWhy?,Rest.\n")

    ((place, record),) = catalogue._hub_records(str(tmp_path / "hub"), "train")

    assert record == {"question": "Why?", "answer": "Rest."}
    assert str(place).endswith("hub train, row 0")
