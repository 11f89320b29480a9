import json

import pytest

from bimedix2_core.data.sources import BadRows, read_source
from bimedix2_core.errors import DataError
from bimedix2_core.records import text_of

# shared/notes/formats.md, "LLaVA instruction data (seen)": id, conversations of from human / gpt and value
TWO_TURNS = {
    "id": 17,
    "conversations": [
        {"from": "human", "value": "I have a fever."},
        {"from": "gpt", "value": "Since when?"},
        {"from": "human", "value": "Since Monday."},
        {"from": "gpt", "value": "Please see a doctor."},
    ],
}
ONE_TURN = {"conversations": [{"from": "human", "value": "ما هي الحمى؟"}, {"from": "gpt", "value": "ارتفاع الحرارة."}]}


def conversation(*turns):
    return {"id": "1", "conversations": [{"from": speaker, "value": value} for speaker, value in turns]}


def read(source_id, file, *records, limit=0):
    file.write_text(json.dumps(list(records)))
    return list(read_source(source_id, file, bad_rows=BadRows(limit)))


def test_a_conversation_keeps_its_turns_and_roles(tmp_path):
    [row] = read("multi_turn_conversation", tmp_path / "chat.json", TWO_TURNS)

    assert (row.id, row.language, row.task, row.source) == ("17", "en", "dialogue", "multi_turn_conversation")
    assert [(turn["role"], text_of(turn)) for turn in row.messages] == [
        ("user", "I have a fever."),
        ("assistant", "Since when?"),
        ("user", "Since Monday."),
        ("assistant", "Please see a doctor."),
    ]


def test_a_single_turn_without_an_id_is_named_by_file_and_row(tmp_path):
    rows = read("single_turn_qa_ar", tmp_path / "qa.json", ONE_TURN, ONE_TURN)

    assert [(row.id, row.language, row.task) for row in rows] == [("qa-0", "ar", "qa"), ("qa-1", "ar", "qa")]


def test_a_system_text_may_come_first_and_other_names_of_the_speakers_are_known(tmp_path):
    record = conversation(("system", "Be brief."), ("user", "Hello?"), ("assistant", "Yes."))

    [row] = read("single_turn_qa", tmp_path / "qa.json", record)

    assert [turn["role"] for turn in row.messages] == ["system", "user", "assistant"]


@pytest.mark.parametrize(
    ("source", "record", "problem"),
    [
        ("single_turn_qa", TWO_TURNS, "2 questions; expected one: read it as multi_turn_conversation"),
        ("multi_turn_conversation", conversation(("gpt", "Hi.")), "the turns are assistant; expected user, assistant"),
        ("multi_turn_conversation", conversation(("human", "a"), ("human", "b")), "the turns are user, user"),
        (
            "multi_turn_conversation",
            conversation(("human", "a"), ("gpt", "b"), ("human", "c")),
            "the turns are user, assistant, user;",
        ),
        ("multi_turn_conversation", conversation(), "the turns are none"),
        (
            "multi_turn_conversation",
            conversation(("robot", "a")),
            "a turn is from 'robot'; expected one of human",
        ),
        ("multi_turn_conversation", conversation(("human", "a"), ("gpt", "")), "value is blank"),
        ("multi_turn_conversation", conversation(("human", "<image>\na"), ("gpt", "b")), "a turn holds <image>"),
        ("multi_turn_conversation", TWO_TURNS | {"image": "a.jpg"}, "the record has an image, 'a.jpg'; read it as a"),
        ("multi_turn_conversation", {"id": 1, "conversations": "a"}, "conversations are 'a'; expected a list"),
        ("multi_turn_conversation", {"id": 1, "messages": []}, "no field 'conversations'; it has 'id', 'messages'"),
    ],
)
def test_a_conversation_that_does_not_go_turn_by_turn_is_a_bad_row(tmp_path, source, record, problem):
    with pytest.raises(DataError) as stopped:
        read(source, tmp_path / "chat.json", record)

    assert f"chat.json, row 0: {problem}" in str(stopped.value)
    assert read(source, tmp_path / "chat.json", record, limit=1) == []
