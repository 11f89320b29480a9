import dataclasses
import json

import pytest

from bimedix2_core.data.sources import BadRows, read_source
from bimedix2_core.data.sources.multiple_choice import multiple_choice, parts_of
from bimedix2_core.data.translate.segments import Segment, arabic_twin, segments_of
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row, message, text_of

IMAGE = {"type": "image"}

MBENCH = {
    "question_id": 7,
    "image": "0000000_F1.jpg",
    "pair_id": "0000000_F1",
    "text": "What does the film show?",
    "gpt4_answer": "A nodule of 8 mm.",
    "fig_caption": "Chest film with a nodule.",
    "fig_label": "Figure 1",
    "in_text_mention": [{"tokens": "A nodule was seen.", "entities": []}, {"tokens": "It had grown.", "entities": []}],
    "domain": {"chest_xray": True, "mri": False, "histology": False, "gross": False, "ct_scan": True},
    "type": "conversation",
}


def text(words):
    return {"type": "text", "text": words}


def dialogue(*messages, images=()):
    return Row("d-1", "en", "vqa", "slake", list(messages), tuple(images), kind="organ", facts={"modality": "CT"})


def question(**changes):
    given = {
        "id": "q-1",
        "language": "en",
        "source": "medmcqa",
        "question": "Which lowers fever?",
        "choices": ["Insulin", "Paracetamol", "Iodine"],
        "answer": "B",
        "explanation": "It is an antipyretic.",
        "facts": {"subject_name": "Pharmacology"},
    }
    return multiple_choice(**given | changes)


def mbench_row(folder, record=MBENCH):
    (folder / "q.jsonl").write_text(json.dumps(record) + "\n")
    [row] = read_source("bimed_mbench", folder / "q.jsonl", bad_rows=BadRows(0))
    return row


def test_turns_keep_roles_order_and_everything_that_is_no_text():
    row = dialogue(
        message("system", "Answer briefly."),
        message("user", "What is this?", images=2),
        message("assistant", "A liver."),
        message("user", "Is it large?"),
        message("assistant", "Yes."),
        images=("k1", "k2"),
    )
    assert segments_of(row) == [
        Segment("system", "Answer briefly."),
        Segment("user", "What is this?"),
        Segment("assistant", "A liver."),
        Segment("user", "Is it large?"),
        Segment("assistant", "Yes."),
    ]

    twin = arabic_twin(row, ["أجب بإيجاز.", "ما هذا؟", "كبد.", "هل هو كبير؟", "نعم."])

    assert [turn["role"] for turn in twin.messages] == ["system", "user", "assistant", "user", "assistant"]
    assert [text_of(turn) for turn in twin.messages] == ["أجب بإيجاز.", "ما هذا؟", "كبد.", "هل هو كبير؟", "نعم."]
    assert twin.messages[1]["content"] == [IMAGE, IMAGE, text("ما هذا؟")]
    assert dataclasses.replace(twin, language="en", messages=row.messages) == row


def test_texts_around_an_image_are_segments_of_their_own_and_it_stays_between_them():
    row = dialogue(
        {"role": "user", "content": [text("Look at "), IMAGE, text("\n"), IMAGE, text("\nand compare. ")]},
        message("assistant", "Both are normal."),
        images=("k1", "k2"),
    )
    assert [one.text for one in segments_of(row)] == ["Look at", "and compare.", "Both are normal."]

    twin = arabic_twin(row, ["انظر", "وقارن.", "كلاهما طبيعي."])

    assert twin.messages[0]["content"] == [text("انظر "), IMAGE, text("\n"), IMAGE, text("\nوقارن. ")]


def test_a_turn_without_words_is_never_shown_to_the_translator():
    row = dialogue(message("user", "", images=1), message("user", " \n"), message("assistant", "A chest film."))
    assert segments_of(row) == [Segment("assistant", "A chest film.")]

    twin = arabic_twin(row, ["صورة صدر."])

    assert twin.messages[:2] == row.messages[:2]
    assert text_of(twin.messages[2]) == "صورة صدر."


def test_a_row_without_any_words_is_refused():
    with pytest.raises(DataError, match="row 'd-1' has no text to translate"):
        segments_of(dialogue(message("user", "", images=1)))


def test_a_row_that_is_arabic_already_is_refused():
    with pytest.raises(DataError, match="row 'q-1' is in 'ar'; only English rows are translated"):
        segments_of(question(language="ar"))


def test_a_multiple_choice_is_question_options_and_explanation_and_its_letter_is_not_shown():
    row = question()
    assert segments_of(row) == [
        Segment("user", "Which lowers fever?"),
        Segment("option", "Insulin"),
        Segment("option", "Paracetamol"),
        Segment("option", "Iodine"),
        Segment("assistant", "It is an antipyretic."),
    ]

    twin = arabic_twin(row, ["ما الذي يخفض الحمى؟", "إنسولين", "باراسيتامول", "يود", "إنه خافض للحرارة."])

    assert (twin.id, twin.language, twin.source, twin.answer, twin.facts) == (
        "q-1", "ar", "medmcqa", "B", {"subject_name": "Pharmacology"},
    )  # fmt: skip
    assert twin.choices == ("إنسولين", "باراسيتامول", "يود")
    assert text_of(twin.messages[0]) == "ما الذي يخفض الحمى؟\nA. إنسولين\nB. باراسيتامول\nC. يود"
    assert text_of(twin.messages[1]) == "B. باراسيتامول\n\nإنه خافض للحرارة."


def test_a_multiple_choice_without_key_or_explanation_has_no_segment_for_them():
    roles = [one.role for one in segments_of(question(answer="", explanation=""))]
    assert roles == ["user", "option", "option", "option"]

    twin = arabic_twin(question(answer="", explanation=""), ["س", "أ", "ب", "ج"])

    assert [turn["role"] for turn in twin.messages] == ["user"]
    assert text_of(twin.messages[0]) == "س\nA. أ\nB. ب\nC. ج"


def test_an_image_stands_before_its_multiple_choice_in_the_twin_too():
    row = question(explanation="")
    row.messages[0]["content"].insert(0, IMAGE)
    row = dataclasses.replace(row, images=("k",))

    twin = arabic_twin(row, ["س", "أ", "ب", "ج"])

    assert twin.images == ("k",)
    assert twin.messages[0]["content"] == [IMAGE, text("س\nA. أ\nB. ب\nC. ج")]
    assert text_of(twin.messages[1]) == "B. ب"


def test_each_context_of_a_question_is_its_own_segment_and_comes_back_as_one():
    row = question(contexts=["We asked 20 patients.\n\nThen 5 more.", "Half said yes."], explanation="")
    assert [one.text for one in segments_of(row)][:3] == [
        "We asked 20 patients.\nThen 5 more.",
        "Half said yes.",
        "Which lowers fever?",
    ]

    twin = arabic_twin(row, ["سألنا.\n\nثم.", "نصفهم.", "س", "أ", "ب", "ج"])

    assert parts_of(twin, with_contexts=True).contexts == ("سألنا.\nثم.", "نصفهم.")
    assert parts_of(twin, with_contexts=True).question == "س"


def test_a_blank_option_keeps_its_place():
    row = question(choices=["One", "", "Three"], explanation="")
    assert [one.text for one in segments_of(row)] == ["Which lowers fever?", "One", "Three"]

    assert arabic_twin(row, ["س", "أ", "ج"]).choices == ("أ", "", "ج")


def test_of_bimed_mbench_the_prose_is_translated_and_nothing_else(tmp_path):
    row = mbench_row(tmp_path)
    assert segments_of(row) == [
        Segment("user", "What does the film show?"),
        Segment("assistant", "A nodule of 8 mm."),
        Segment("prose", "Chest film with a nodule."),
        Segment("prose", "Figure 1"),
        Segment("prose", "A nodule was seen."),
        Segment("prose", "It had grown."),
    ]

    twin = arabic_twin(row, ["ماذا تظهر الصورة؟", "عقيدة 8 مم.", "صورة صدر.", "الشكل 1", "شوهدت عقيدة.", "لقد كبرت."])

    changed = {name for name in row.facts if twin.facts[name] != row.facts[name]}
    assert changed == {"fig_caption", "fig_label", "in_text_mention"}
    assert json.loads(twin.facts["in_text_mention"]) == [
        {"tokens": "شوهدت عقيدة.", "entities": []},
        {"tokens": "لقد كبرت.", "entities": []},
    ]
    assert twin.messages[0]["content"] == [IMAGE, text("ماذا تظهر الصورة؟")]
    assert (twin.id, twin.kind, twin.facts["type"]) == ("7", "conversation", "conversation")


def test_a_caption_that_another_source_has_among_its_facts_is_no_prose_of_ours():
    row = dialogue(message("user", "What?"), message("assistant", "A film."))
    row = dataclasses.replace(row, facts={"fig_caption": "Chest film."})

    assert [one.text for one in segments_of(row)] == ["What?", "A film."]
    assert arabic_twin(row, ["ما؟", "صورة."]).facts == {"fig_caption": "Chest film."}


@pytest.mark.parametrize("n", [0, 4, 6])
def test_too_few_or_too_many_texts_make_no_twin(n):
    with pytest.raises(DataError, match=f"row 'q-1' has 5 segments, {n} translations came"):
        arabic_twin(question(), ["س"] * n)


def test_a_multiple_choice_whose_messages_lack_its_options_is_refused():
    begins_with_system = dataclasses.replace(question(), messages=[message("system", "."), *question().messages])

    with pytest.raises(DataError, match="row 'q-1': the question does not end with the lines of its choices"):
        segments_of(begins_with_system)


def test_the_english_row_is_left_as_it_was(tmp_path):
    row = mbench_row(tmp_path)
    before = json.dumps(row.as_json())

    arabic_twin(row, ["نص"] * 6)

    assert json.dumps(row.as_json()) == before
