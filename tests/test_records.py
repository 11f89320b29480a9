import json

import pytest
import tiny

from bimedix2_core.errors import DataError
from bimedix2_core.records import Row, from_dataset, message, n_images, row_of, to_dataset


def test_prompt_and_target_part_at_the_last_answer():
    sample = tiny.sample(question="Where?", answer="Left.")

    assert sample.target == "Left."
    assert sample.prompt == [message("user", "Where?", images=1)]


def test_samples_survive_the_way_through_a_dataset():
    samples = tiny.mixed_samples(4)

    again = from_dataset(to_dataset(samples))

    assert [(s.id, s.language, s.messages, s.kind) for s in again] == [
        (s.id, s.language, s.messages, s.kind) for s in samples
    ]
    assert [[image.tobytes() for image in s.images] for s in again] == [
        [image.tobytes() for image in s.images] for s in samples
    ]


def test_a_dataset_without_messages_names_what_is_missing():
    dataset = to_dataset(tiny.mixed_samples(1)).remove_columns("messages")

    with pytest.raises(DataError, match="dataset lacks the columns messages"):
        from_dataset(dataset)


def test_image_parts_are_counted_over_all_turns():
    assert n_images([message("user", "a", images=2), message("assistant", "b"), message("user", "c", images=1)]) == 3
    assert n_images([]) == 0


def test_an_unknown_role_is_an_error():
    with pytest.raises(DataError, match="message role is 'doctor'"):
        message("doctor", "Hello.")


def test_a_stored_row_survives_json_with_its_image_keys_and_options():
    row = Row(
        id="7",
        language="en",
        task="mcq",
        source="medqa",
        messages=[message("user", "Which?", images=1), message("assistant", "B")],
        images=("ab" * 32,),
        choices=("one", "two"),
        answer="B",
        facts={"modality": "CT"},
    )

    assert row_of(json.loads(json.dumps(row.as_json()))) == row
    assert (row.modality, Row("8", "ar", "qa", "x", []).modality) == ("image_text", "text")
