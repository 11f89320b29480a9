import pytest
from review_items import review

from bimedix2_core.data.review.corrections import apply_corrections
from bimedix2_core.data.review.items import review_item
from bimedix2_core.data.review.settlement import settle
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row, message, text_of


def row(id="7", *, question="ما هذا؟", answer=" كيسة. ", choices=(), language="ar"):
    messages = [message("user", question, images=1), message("assistant", answer)]
    return Row(id, language, "vqa", "slake", messages, ("key",), choices=tuple(choices), answer="A", facts={"m": "CT"})


def decided(arabic, corrected, verdict="minor", **said):
    one = review_item(row(arabic.id, language="en"), arabic)
    return settle([review(one, verdict, corrected=corrected, **said)]).decisions


def text(question="ما هذا؟", answer="كيسة."):
    return f"[المستخدم]\n{question}\n\n[المساعد]\n{answer}"


def test_a_correction_goes_into_its_turn_and_says_who_when_and_why():
    found = apply_corrections(
        [row(language="en"), row("8"), row()],
        decided(row(), text(answer="كيسة كبدية."), category="terminology", comment="which?", date="2026-01-05"),
    )

    assert list(found) == ["7"]
    one = found["7"]
    assert [text_of(turn) for turn in one.row.messages] == ["ما هذا؟", "كيسة كبدية."]
    assert (one.before, one.after) == (text(answer=" كيسة. "), text(answer="كيسة كبدية."))
    assert (one.verdict, one.categories, one.reviewers, one.dates, one.comments, one.is_adjudicated) == (
        "minor", ("terminology",), ("Dr A",), ("2026-01-05",), ("which?",), False,
    )  # fmt: skip


def test_images_key_and_facts_stay_and_an_unchanged_turn_keeps_every_space():
    before = row()
    after = apply_corrections([before], decided(before, text("ما هذا الشيء؟")))["7"].row

    assert after.messages[0]["content"] == [{"type": "image"}, {"type": "text", "text": "ما هذا الشيء؟"}]
    assert after.messages[1] == before.messages[1]
    assert (after.id, after.images, after.answer, after.facts) == ("7", ("key",), "A", {"m": "CT"})


def test_a_correction_may_come_with_any_line_ends():
    corrected = text(answer="كيسة كبدية.").replace("\n", "\r\n")

    after = apply_corrections([row()], decided(row(), corrected))["7"]

    assert text_of(after.row.messages[1]) == "كيسة كبدية."


def test_a_verdict_without_a_correction_changes_no_row():
    assert apply_corrections([row()], decided(row(), "", verdict="major")) == {}


def test_a_row_that_changed_since_it_was_judged_keeps_its_text_and_is_refused():
    decisions = decided(row(), text(answer="كيسة كبدية."))

    with pytest.raises(DataError, match="'7': the Arabic text changed since it was judged; have the new text reviewed"):
        apply_corrections([row(answer="ورم.")], decisions)


def test_all_corrections_that_have_no_place_are_told_at_once():
    decisions = {
        **decided(row("1"), text(answer="كيسة كبدية.")),
        **decided(row("2"), "[المستخدم]\nما هذا؟"),
        **decided(row("3"), "x\n" + text()),
    }

    with pytest.raises(DataError) as refused:
        apply_corrections([row("2"), row("3"), row("1", language="en")], decisions)

    assert str(refused.value).splitlines()[1:] == [
        "  '2': the corrected text has the turns user; expected user, assistant",
        "  '3': the corrected text has the turns text before the first label, user, assistant; expected user, "
        "assistant",
        "  '1': no such Arabic row, so its correction has no place",
    ]


OPTIONS = "ما هذا؟\nA. كيسة\nB. ورم\n(C) 3"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ("ما هذا؟\nA. كيسة كبدية\nB. ورم\n(C) 3", ("كيسة كبدية", "ورم", "3")),
        ("ما هو؟\nA. كيسة\nB. ورم\n(C) 3", ("كيسة", "ورم", "3")),
        ("ما هذا؟\nA. كيسة\nB. ورم\n(C) 13", ("كيسة", "ورم", "13")),
    ],
)
def test_a_corrected_option_is_corrected_among_the_choices_as_well(changed, expected):
    before = row(question=OPTIONS, answer="A", choices=("كيسة", "ورم", "3"))

    after = apply_corrections([before], decided(before, text(changed, "A")))["7"].row

    assert after.choices == expected


def test_an_option_that_ends_another_one_is_not_taken_for_it():
    before = row(question="كم؟\nA. 13\nB. 3", answer="B", choices=("13", "3"))

    after = apply_corrections([before], decided(before, text("كم؟\nA. 13\nB. 4", "B")))["7"].row

    assert after.choices == ("13", "4")


def test_an_option_that_is_gone_is_refused():
    before = row(question=OPTIONS, answer="A", choices=("كيسة", "ورم", "3"))

    with pytest.raises(DataError, match=r"0 lines that begin with 'B\. '; expected one, the option 'ورم'"):
        apply_corrections([before], decided(before, text("ما هذا؟\nA. كيسة\n(C) 3", "A")))


def test_options_that_the_messages_do_not_show_stay():
    before = row(choices=("كيسة", "ورم"))

    assert apply_corrections([before], decided(before, text("ما هو؟")))["7"].row.choices == ("كيسة", "ورم")
