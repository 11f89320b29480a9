import json

import pytest
from shared_data import real
from synthesis_rows import ARABIC_CHAT, CHAT, TALK, caption_row, choice_row, said, short_row

from bimedix2_core.data.synthesize.checks import CHECKS, OF_KIND, Case, CheckSettings, check
from bimedix2_core.data.synthesize.material import FROM_ROW, Material
from bimedix2_core.data.synthesize.turns import Turn, read_turns


def failed(kind, row, turns, **settings):
    case = Case(kind, FROM_ROW[kind](row), [Turn(*turn) for turn in turns], CheckSettings(**settings))
    return [failure.check for failure in check(case)]


def chat(turns, **row):
    return failed("doctor_chat", choice_row(**row), turns)


def talk(turns, **row):
    return failed("image_conversation", caption_row(**row), turns)


def full(text, **row):
    return failed("fuller_answer", short_row(**row), [("assistant", text)])


def with_turn(turns, index, text, role=None):
    return [(role or turn[0], text) if i == index else turn for i, turn in enumerate(turns)]


ARABIC = {
    "language": "ar",
    "question": "امرأة في الرابعة والعشرين تعاني من صفير بعد الجهد كل صباح. ما الدواء الذي يعطى أولا؟",
    "choices": ["الثيوفيلين الفموي", "السالبوتامول المستنشق", "الأدرينالين الوريدي", "الستيرويدات"],
    "explanation": "",
}


# --- reading -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "around", ["{}", "```json\n{}\n```", "```\n{}```", "Here it is:\n{}\nGood luck.", '{{"turns": {}}}']
)
def test_turns_are_read_with_or_without_a_fence(around):
    assert read_turns(around.format(said(CHAT))) == [Turn(*turn) for turn in CHAT]


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "I cannot do that.",
        said(CHAT)[:-20],
        "[]",
        '["Hello"]',
        '[{"role": "patient"}]',
        '[{"role": "patient", "text": ""}]',
        '[{"role": 1, "text": "a"}]',
        '[{"role": "patient", "text": null}]',
        '[{"role": "patient", "text": "half an emoji: \\ud83d"}]',
        '[{"role": "patient", "text": ' + "9" * 5000 + "}]",
        "[" * 100_000 + "]" * 100_000,
    ],
)
def test_what_is_no_list_of_turns_is_unreadable_and_that_is_the_only_failure(answer):
    assert read_turns(answer) == []
    assert chat([]) == ["readable"]


# --- doctor's chat -------------------------------------------------------------------------------------------------


def test_a_good_chat_passes_in_both_languages():
    assert chat(CHAT) == []
    assert chat(ARABIC_CHAT, **ARABIC) == []


def test_an_invented_role_is_the_only_failure_told():
    assert chat(with_turn(CHAT, 2, "I am the nurse.", role="nurse")) == ["roles"]


@pytest.mark.parametrize(
    "turns",
    [
        CHAT[1:] + CHAT[:1],  # the doctor begins
        [CHAT[0], CHAT[2], CHAT[1], CHAT[3]],  # the patient twice
        [*CHAT, ("patient", "Thank you, goodbye.")],  # the patient has the last word
    ],
)
def test_turns_out_of_order_are_noticed(turns):
    assert "turn_order" in chat(turns)


def test_the_number_of_turns_has_both_limits():
    row = choice_row()
    assert failed("doctor_chat", row, CHAT, min_turns=4, max_turns=4) == []
    assert failed("doctor_chat", row, CHAT, min_turns=6) == ["n_turns"]
    assert failed("doctor_chat", row, CHAT, min_turns=2, max_turns=2) == ["n_turns"]


def test_the_doctor_asks_before_answering():
    assert chat(with_turn(CHAT, 1, "I see. Tell me more.")) == ["asks_back"]
    assert chat(with_turn(ARABIC_CHAT, 1, "فهمت ما تقول تماما."), **ARABIC) == ["asks_back"]
    at_once = [CHAT[0], ("doctor", "Why not try inhaled salbutamol?")]
    assert failed("doctor_chat", choice_row(), at_once, min_turns=2) == ["asks_back"]


def test_the_conclusion_holds_the_right_option_and_not_only_another_turn():
    assert chat(with_turn(CHAT, 3, "Then oral theophylline should be tried first.")) == ["answer_kept"]
    early = with_turn(CHAT, 1, "Do you have inhaled salbutamol at home?")
    assert chat(with_turn(early, 3, "Then that is what you should take, it helps.")) == ["answer_kept"]


@pytest.mark.parametrize(
    "leak",
    [
        "Option B: inhaled salbutamol.",
        "Inhaled salbutamol (B) is right for you.",
        "The answer is B, inhaled salbutamol.",
        "I choose inhaled salbutamol, choice (B).",
        "Inhaled salbutamol, so the answer would be B because it is fast.",
        "B. Inhaled salbutamol is for you.",
        "Let me see.\nB) Inhaled salbutamol.",
    ],
)
def test_an_option_letter_is_a_leak(leak):
    assert "option_letters" in chat(with_turn(CHAT, 3, leak))


@pytest.mark.parametrize("leak", ["الخيار ب", "الجواب هو (ب)", "(ب)", "الإجابة: B"])
def test_an_arabic_option_letter_is_a_leak(leak):
    assert "option_letters" in chat(with_turn(ARABIC_CHAT, 3, f"{leak} السالبوتامول المستنشق."), **ARABIC)


@pytest.mark.parametrize(
    "fine",
    [
        "Inhaled salbutamol; vitamin B and hepatitis C play no part.",
        "Inhaled salbutamol is the best option. A spacer helps.",
        "Inhaled salbutamol is one option among others; E. coli has nothing to do with it.",
        "Inhaled salbutamol: the answer is a simple one.",
        "E. coli is not the cause.\nInhaled salbutamol is the choice, A and E need not see you.",
    ],
)
def test_a_letter_that_names_no_option_is_fine(fine):
    assert chat(with_turn(CHAT, 3, fine)) == []


def test_an_arabic_word_after_the_option_is_no_letter():
    fine = "السالبوتامول المستنشق هو الخيار الأفضل والجواب بسيط."

    assert chat(with_turn(ARABIC_CHAT, 3, fine), **ARABIC) == []


def test_a_letter_that_the_material_itself_has_is_fine():
    turns = with_turn(CHAT, 3, "The answer is B cell lymphoma, of stage (C).")
    row = {"choices": ["T cell lymphoma", "B cell lymphoma", "Gout"], "explanation": "Stage (C)."}

    assert chat(turns, **row) == []
    assert chat(with_turn(CHAT, 3, "The answer is A: B cell lymphoma."), **row) == ["option_letters"]


def test_talk_of_the_examination_is_noticed():
    assert chat(with_turn(CHAT, 3, "The correct answer is inhaled salbutamol.")) == ["exam"]
    assert chat(with_turn(ARABIC_CHAT, 3, "الإجابة الصحيحة هي السالبوتامول المستنشق."), **ARABIC) == ["exam"]


def test_the_question_word_for_word_is_noticed_and_parts_of_it_are_not():
    question = "A 24-year-old woman has wheezing after exercise each morning. Which drug is given first?"
    assert chat(with_turn(CHAT, 0, question)) == ["verbatim"]
    assert chat(with_turn(CHAT, 0, "I am a woman of 24 and have wheezing after exercise each morning.")) == []
    short = "Which drug helps against wheezing?"
    assert chat(with_turn(CHAT, 0, short), question=short) == []
    options = "Should I take oral theophylline, inhaled salbutamol, intravenous adrenaline or inhaled steroids?"
    assert chat(with_turn(CHAT, 0, options)) == ["verbatim"]


def test_another_language_is_noticed_and_a_name_in_latin_letters_is_not():
    assert "language" in chat(with_turn(CHAT, 2, ARABIC_CHAT[0][1]))
    assert chat(with_turn(ARABIC_CHAT, 2, "Ventolin؟ نعم."), **ARABIC) == []


@pytest.mark.parametrize("markup", ["<image>", "</question>", "<|eot_id|>", "```", "[INST]", "\u2039/caption>"])
def test_markup_is_noticed(markup):
    assert chat(with_turn(CHAT, 2, f"Ten minutes. {markup}")) == ["markup"]


def test_a_comparison_is_no_markup():
    assert chat(with_turn(CHAT, 2, "It was <or =5 minutes, and now > 10; p<0.05.")) == []


@pytest.mark.parametrize("text", ["Doctor: Ten minutes.", "Ten minutes.\nPatient: And then?", "**Dr:** Ten minutes."])
def test_a_speaker_announced_in_a_turn_is_noticed(text):
    assert chat(with_turn(CHAT, 2, text)) == ["speaker_label"]


def test_a_turn_said_twice_is_noticed():
    assert chat(with_turn(CHAT, 2, CHAT[0][1])) == ["repetition"]


# --- conversation about an image -----------------------------------------------------------------------------------


def test_a_good_conversation_about_an_image_passes():
    assert talk(TALK) == []


@pytest.mark.parametrize(
    "question",
    [
        "According to the caption, what is shown?",
        "What is shown, as mentioned in the text?",
        "What does the text say about the lung?",
        "What is described in the passage?",
        "Based on the provided description, what is shown?",
    ],
)
def test_a_question_that_betrays_the_caption_is_noticed(question):
    assert talk(with_turn(TALK, 2, question)) == ["source_named"]


@pytest.mark.parametrize(
    "question", ["ماذا يظهر وفقا للوصف المرفق؟", "ماذا ورد في النص عن الرئة؟", "ما العلامة كما ذكر؟"]
)
def test_an_arabic_question_that_betrays_the_caption_is_noticed(question):
    case = Case("image_conversation", Material("ar", caption="صورة"), [Turn("user", question)], CheckSettings())

    assert list(CHECKS["source_named"](case))


@pytest.mark.parametrize("question", ["According to the image, what is it?", "In what context is this seen?"])
def test_a_question_about_the_image_betrays_nothing(question):
    assert talk(with_turn(TALK, 2, question)) == []


def test_a_side_or_a_number_that_was_not_given_is_noticed():
    assert talk(with_turn(TALK, 3, "A small pleural effusion on the right, 3 cm high.")) == ["sides"]
    assert talk(with_turn(TALK, 3, "A small pleural effusion on the left, 5 cm high.")) == ["numbers"]
    assert talk(with_turn(TALK, 3, "A small left pleural effusion, three cm, yes, 3 cm high.")) == []
    assert talk(with_turn(TALK, 3, "A small left pleural effusion of 3 cm, exactly 3 cm.")) == []


def test_a_conversation_about_something_else_is_noticed():
    other = [
        ("user", "What is it?"),
        ("assistant", "It is a brain."),
        ("user", "More?"),
        ("assistant", "No more of it."),
    ]

    assert talk(other) == ["grounded"]


def test_one_word_is_no_answer_about_an_image_though_it_may_be_a_question():
    assert talk(with_turn(TALK, 1, "No.")) == ["brief"]
    assert talk(with_turn(TALK, 2, "And?")) == []


# --- fuller answer -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "answer", "text"),
    [
        ("Is there a fracture?", "Yes", "Yes, there is a fracture of the rib."),
        ("Is the heart normal?", "no", "No, the heart is enlarged."),
        ("Is the heart normal?", "yes", "Yes, the heart is normal, with no enlargement."),
        ("Is there no fracture?", "yes", "Yes, there is no fracture."),
        ("Is there evidence of a mass?", "No.", "No, a mass is not seen in this image. No fluid is seen either."),
        ("Which side is affected?", "left", "The left side is affected."),
        ("How large is it?", "5 cm", "The mass measures about 5 cm."),
        ("What is the diagnosis?", "No abnormality.", "The image shows no abnormality."),  # no closed question
    ],
)
def test_a_fuller_answer_that_says_the_same_passes(question, answer, text):
    assert full(text, question=question, answer=answer) == []


@pytest.mark.parametrize(
    ("question", "answer", "text", "check"),
    [
        ("Is there a fracture?", "Yes", "No, there is no fracture.", "polarity"),
        ("Is there a fracture?", "Yes", "There is a fracture of the rib.", "polarity"),
        ("Is there a fracture?", "Yes", "Yes, there is no fracture.", "polarity"),
        ("Is there a fracture?", "No", "No, there is a fracture.", "polarity"),
        ("Is there a fracture?", "Yes", "Yes, a fracture is seen. No, there is none.", "polarity"),
        ("Which side is affected?", "left", "The right side is affected.", "opposite"),
        ("Which organ is it?", "the liver", "The organ shown is the spleen.", "answer_kept"),
        ("How large is it?", "5 cm", "It is 5 cm, or 2 inches.", "numbers"),
        ("Which organ is it?", "the liver", "It is the liver, on the right.", "sides"),
        ("Which organ is it?", "the liver", "The liver.", "length"),
        ("Which organ is it?", "the liver", "Here is the answer: it is the liver.", "not_an_answer"),
        ("Which organ is it?", "the liver", "The short answer says it is the liver.", "source_named"),
        ("Which organ is it?", "the liver", "هذا هو الكبد liver.", "language"),
    ],
)
def test_a_fuller_answer_that_says_something_else_is_noticed(question, answer, text, check):
    assert check in full(text, question=question, answer=answer)


def test_arabic_answers_keep_yes_and_no():
    asked = {"question": "هل يوجد كسر؟", "language": "ar"}

    assert full("نعم، يوجد كسر في الضلع.", answer="نعم", **asked) == []
    assert full("لا، لا يوجد كسر في الصورة.", answer="لا", **asked) == []
    assert full("نعم، لا يوجد كسر في الضلع.", answer="نعم", **asked) == ["polarity"]
    assert full("لا، لا يوجد كسر في الصورة.", answer="نعم", **asked) == ["polarity"]
    assert full("لا توجد تغيرات مرضية.", answer="لا", **asked) == ["polarity"]  # it answers another question


# --- all -----------------------------------------------------------------------------------------------------------


def test_every_check_belongs_to_a_kind_and_every_kind_has_known_checks():
    used = {name for names in OF_KIND.values() for name in names} | {"readable", "roles"}

    assert used == set(CHECKS)


def test_published_texts_hold_hardly_any_leak():
    # 1,000 abstracts, cut into 4,358 paragraphs: five enumerate with (A) or (C), none speaks of options or captions
    stored = json.loads(real("pubmedqa/ori_pqal.json").read_text(encoding="utf-8")).values()
    paragraphs = [text for record in stored for text in [record["LONG_ANSWER"], *record["CONTEXTS"]]]
    cases = [Case("doctor_chat", Material("en"), [Turn("doctor", text)], CheckSettings()) for text in paragraphs]
    names = ("option_letters", "exam", "markup", "speaker_label", "language")

    found = {name: sum(1 for case in cases if any(CHECKS[name](case))) for name in names}

    assert len(cases) == 4358
    assert found == {"option_letters": 4, "exam": 0, "markup": 0, "speaker_label": 0, "language": 0}


def test_no_published_question_about_an_image_betrays_a_text():
    stored = json.loads(real("vqa_rad/trainset.json").read_text(encoding="utf-8"))
    turns = [Turn("user", str(record[name])) for record in stored for name in ("question", "answer")]

    assert len(turns) > 6000
    assert not any(CHECKS["source_named"](Case("image_conversation", Material("en"), turns, CheckSettings())))
