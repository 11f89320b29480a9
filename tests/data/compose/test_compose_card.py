"""The data card: what the hub reads of it, and what a reader does."""

import re
from pathlib import Path

import pytest
from huggingface_hub import DatasetCard

from bimedix2_core.data.compose.card import Origin, write_card
from bimedix2_core.data.compose.shards import compose
from bimedix2_core.data.compose.statistics import statistics
from bimedix2_core.errors import DataError
from tests.data.compose.small_parts import part

ORIGINS = {
    "medqa_ar": Origin("MIT", "Jin et al. 2021"),
    "path_vqa": Origin("not stated", "He et al. 2020, arXiv 2003.10286"),
}


@pytest.fixture
def folder(tmp_path) -> Path:
    parts = [part("medqa_ar", 1500, "ar"), part("path_vqa", 10, images=1)]
    wanted = {"medqa_ar": 1200, "path_vqa": 25, "slake_vqa": 5}
    compose(parts, wanted, folder=tmp_path, seed=3, rows_per_shard=1000, is_clean=lambda row: row.language == "ar")
    return tmp_path


def table(text: str, heading: str) -> list[list[str]]:
    section = text.split(f"## {heading}\n")[1].split("\n## ")[0]
    return [re.split(r" \| ", line.strip("| ")) for line in section.splitlines() if line.startswith("|")]


def test_the_hub_reads_its_front_matter(folder):
    card = DatasetCard.load(write_card(folder, ORIGINS))

    assert card.data.language == ["ar", "en"]
    assert card.data.size_categories == ["1K<n<10K"]
    assert card.data.license == "other"
    assert card.data.task_categories == ["question-answering", "visual-question-answering"]
    assert card.data.configs[0]["data_files"] == [{"split": "train", "path": "bimed_v-*.parquet"}]
    assert list(folder.glob("bimed_v-*.parquet"))


def test_wanted_taken_and_missing_stand_beside_each_other(folder):
    text = write_card(folder, ORIGINS).read_text()

    assert table(text, "Composition") == [
        ["source", "wanted", "taken", "available", "shortfall"],
        ["---"] * 5,
        ["medqa_ar", "1,200", "1,200", "1,500", "0"],
        ["path_vqa", "25", "10", "10", "15"],
        ["slake_vqa", "5", "0", "0", "5"],
        ["all", "1,230", "1,210", "1,510", "20"],
    ]
    assert "Short of rows: path_vqa, slake_vqa. No row is repeated to fill a count." in text


def test_shares_of_language_and_modality_are_those_of_the_rows(folder):
    assert table(write_card(folder, ORIGINS).read_text(), "Languages and modalities")[2:] == [
        ["Arabic", "text", "1,200", "99.2%"],  # 1200 / 1210
        ["English", "image and text", "10", "0.8%"],
    ]


def test_lengths_are_there_where_they_were_counted(folder):
    counted = statistics(folder, lambda texts: [2 * len(text.split()) for text in texts])

    assert "## Lengths" not in write_card(folder, ORIGINS).read_text()
    text = write_card(folder, ORIGINS, statistics=counted).read_text()
    assert "Tokens for each word: Arabic 2.00, English 2.00." in text
    # "Question 7?" and "No fracture is seen.": 6 words, 12 tokens; 11 + 20 characters
    assert table(text, "Lengths")[-1] == (
        ["path_vqa", "English", "image and text", "10", "20", "60", "310", "120", "12", "12", "12"]
    )


def test_what_decontamination_found_is_said(folder):
    text = write_card(folder, ORIGINS, decontamination="Against Rad-VQA and SLAKE.").read_text()

    assert "Column `clean`: 1,200 rows clean, 10 not, 0 not checked (null).\n\nAgainst Rad-VQA and SLAKE." in text


def test_an_unchecked_data_set_says_so(tmp_path):
    compose([part("path_vqa", 5)], {"path_vqa": 5}, folder=tmp_path, seed=0, rows_per_shard=5)

    text = write_card(tmp_path, ORIGINS).read_text()

    assert "No row was checked against the benchmarks" in text
    assert "Every source has as many rows as wanted." in text


def test_use_seed_versions_licences_and_citations_are_said(folder):
    text = write_card(folder, ORIGINS, remark="A demo, no result of the paper.").read_text()

    assert "For research only; not for clinical use." in text
    assert "A demo, no result of the paper." in text
    assert re.search(r"Seed 3; bimedix2_core \S+, pyarrow \S+, python \S+; content key `[0-9a-f]{64}`", text)
    assert "- `medqa_ar`: MIT. Jin et al. 2021" in text
    assert "- `path_vqa`: not stated. He et al. 2020, arXiv 2003.10286" in text


@pytest.mark.parametrize("origins", [{"medqa_ar": ORIGINS["medqa_ar"]}, ORIGINS | {"path_vqa": ("MIT", " ")}])
def test_a_source_without_licence_or_citation_is_an_error(folder, origins):
    with pytest.raises(DataError, match="no licence or no citation of path_vqa; expected both"):
        write_card(folder, origins)
