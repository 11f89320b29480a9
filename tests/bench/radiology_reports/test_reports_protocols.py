import pytest
from PIL import Image

from bimedix2_core.bench.radiology_reports.protocols import (
    findings_of,
    own_protocol,
    prompt_key,
    protocol_named,
    protocols,
    query,
    reference_of,
)
from bimedix2_core.data.language import language_of
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row, message, text_of

KEYS = ("a" * 64, "b" * 64)
IMAGES = {KEYS[0]: Image.new("RGB", (4, 4), "white"), KEYS[1]: Image.new("RGB", (4, 4), "black")}


def study(language="en", keys=KEYS):
    messages = [message("user", "", images=2), message("assistant", "Clear lungs.")]
    return Row("s1", language, "report_generation", "mimic_cxr", messages, keys)


def summary(language="en"):
    messages = [message("user", "Clear {findings} lungs."), message("assistant", "Normal.")]
    return Row("s1", language, "report_summarisation", "mimic_iii", messages)


def parts(asked):
    return [part.get("text", "<img>") for part in asked.prompt[0]["content"]]


def test_multimedevals_requests_are_word_for_word_with_the_images_where_it_puts_them():
    early = query(study(), protocol_named("multimedeval_2024_02"), IMAGES.get)
    today = query(study(), protocol_named("multimedeval"), IMAGES.get)

    assert parts(early) == ["<img>", "<img>", "Please caption this scan with findings and impression."]
    assert parts(today) == ["Can you provide a radiology report for this medical image? ", "<img>", "<img>"]
    assert today.images == [IMAGES[KEYS[0]], IMAGES[KEYS[1]]]


def test_the_summary_request_stands_behind_the_findings():
    asked = query(summary(), protocol_named("multimedeval_summary"))

    assert parts(asked) == ["Clear {findings} lungs.\nSummarize the findings."]
    assert asked.images == []


@pytest.mark.parametrize("task", ["report_generation", "report_summarisation"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_ours_ask_in_the_language_of_the_report(task, language):
    protocol = own_protocol(task, language)

    assert language_of(protocol.request.replace("{findings}", "")) == language
    assert (protocol.task, protocol.language) == (task, language)


def test_the_reference_is_never_in_a_request():
    for row in (study(), study("ar"), summary(), summary("ar")):
        asked = query(row, own_protocol(row.task, row.language), IMAGES.get)

        assert reference_of(row) not in text_of(asked.prompt[0])
        assert [turn["role"] for turn in asked.prompt] == ["user"]


def test_a_protocol_of_another_task_or_language_is_refused():
    with pytest.raises(DataError, match="take one of that task and language"):
        query(study(), protocol_named("multimedeval_summary"), IMAGES.get)
    with pytest.raises(DataError, match="in 'ar', but protocol 'multimedeval'"):
        query(study("ar"), protocol_named("multimedeval"), IMAGES.get)
    with pytest.raises(DataError, match="known: multimedeval_2024_02"):
        protocol_named("mimic")


def test_a_study_without_its_images_is_not_asked_about():
    with pytest.raises(DataError, match="0 images for 2 views"):
        query(study(keys=()), protocol_named("multimedeval"), IMAGES.get)
    with pytest.raises(DataError, match="nothing to open them with"):
        query(study(), protocol_named("multimedeval"))


def test_findings_are_what_is_given_or_what_is_wanted():
    assert findings_of(study()) == reference_of(study()) == "Clear lungs."
    assert (findings_of(summary()), reference_of(summary())) == ("Clear {findings} lungs.", "Normal.")


def test_every_protocol_has_a_prompt_key_of_its_own():
    assert len({prompt_key(protocol) for protocol in protocols().values()}) == len(protocols())
