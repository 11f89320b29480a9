import json

import pytest

from bimedix2_core.bench.radiology_reports.private import (
    check_may_be_sent,
    is_private,
    public_record,
    public_scores,
    shown,
)
from bimedix2_core.bench.task import Score
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row, message


def row(source="mimic_cxr", findings="Clear lungs and a scar."):
    return Row("s1", "en", "report_generation", source, [message("user", ""), message("assistant", findings)])


@pytest.mark.parametrize(("source", "expected"), [("mimic_cxr", True), ("mimic_iii", True), ("iu_xray", False)])
def test_only_credentialed_sources_are_private(source, expected):
    assert is_private(row(source)) == expected


def test_neither_prediction_nor_reference_of_a_private_row_enters_outputs():
    score = Score("s1", "en", "all", 0.5, "A scar here.", "Clear lungs and a scar.")

    written = json.dumps([public_record(row(), "A scar here."), public_scores([row()], [score])[0].__dict__])

    assert "scar" not in written
    assert public_record(row(), "A scar here.")["n_words"] == 3
    assert public_scores([row()], [score])[0].value == 0.5


def test_public_data_and_an_allowing_profile_keep_their_texts():
    assert public_record(row("iu_xray"), "A scar.")["prediction"] == "A scar."
    assert public_record(row(), "A scar.", may_show=True)["prediction"] == "A scar."
    assert shown(row(), "A scar.", may_show=True) == "A scar."


def test_a_hash_tells_equal_texts_and_cannot_be_found_by_trying_sentences_without_the_row():
    one, other = public_record(row(), "Normal."), public_record(row(findings="Something else."), "Normal.")

    assert one["prediction_hash"] == public_record(row(), "Normal.")["prediction_hash"]
    assert one["prediction_hash"] != public_record(row(), "Abnormal.")["prediction_hash"]
    assert one["prediction_hash"] != other["prediction_hash"]


def test_scores_beside_other_rows_are_refused():
    with pytest.raises(DataError, match="stands beside row 's1'"):
        public_scores([row()], [Score("s2", "en", "all", 0.5, "a", "b")])


@pytest.mark.parametrize("url", ["http://localhost:8000/v1", "http://127.0.0.1:1/v1", "http://[::1]:8000/v1"])
def test_a_model_on_this_machine_may_be_asked(url):
    check_may_be_sent([row()], url)


@pytest.mark.parametrize(
    "url", ["https://api.openai.com/v1", "http://10.0.0.5:8000", "http://localhost.example.org/v1", "", "127.0.0.1"]
)
def test_a_model_elsewhere_is_not_sent_credentialed_reports(url):
    with pytest.raises(DataError, match="reports of mimic_cxr would be sent to"):
        check_may_be_sent([row("iu_xray"), row()], url)

    check_may_be_sent([row("iu_xray")], url)
    check_may_be_sent([row()], url, is_allowed=True)
