from typing import NamedTuple

import pytest

from bimedix2_core.data.translate.checks import CHECKS, CheckSettings, Failure, check, count


class Segment(NamedTuple):
    role: str
    text: str


def chat(*texts):
    return [Segment(("user", "assistant")[number % 2], text) for number, text in enumerate(texts)]


def choice(question, *options, answer="B", reply=()):
    turns = chat(question, *reply)
    return [*turns, *(Segment("option", option) for option in options), Segment("answer", answer)]


def failed(source, translation, **settings):
    return [failure.check for failure in check(source, translation, CheckSettings(**settings))]


def details(source, translation, name, **settings):
    found = check(source, translation, CheckSettings(**settings))
    return [failure.detail for failure in found if failure.check == name]


ENGLISH = "A 45-year-old man takes 0.5 mg of ramipril daily. What is the most likely cause of his cough?"
ARABIC = "رجل يبلغ من العمر 45 عامًا يتناول ٠٫٥ ملغ من راميبريل يوميًا. ما السبب الأكثر احتمالًا لسعاله؟"


def test_a_faithful_translation_passes_every_check():
    source = choice(ENGLISH, "The drug", "An infection", "Asthma", reply=["B. An infection"])
    translation = choice(ARABIC, "الدواء", "عدوى", "الربو", reply=["B. عدوى"])

    assert check(source, translation) == []


def test_each_check_has_a_name_and_samples_are_counted_by_it():
    twice = [Failure("numbers", "turn 1"), Failure("numbers", "option A"), Failure("empty", "option B")]

    counted = count([twice, [Failure("numbers", "turn 1")], []])

    assert list(counted) == list(CHECKS)
    assert {name: n for name, n in counted.items() if n} == {"numbers": 2, "empty": 1}


# --- structure -----------------------------------------------------------------------------------------------------


def test_turns_keep_their_number_and_roles():
    source = chat("Hello.", "How can I help?")

    assert failed(source, chat("مرحبا.")) == ["n_turns"]
    assert failed(source, [Segment("user", "مرحبا."), Segment("user", "كيف أساعدك؟")]) == ["n_turns"]
    assert details(source, chat("مرحبا."), "n_turns") == ["the turns are user; expected user, assistant"]


def test_options_keep_their_number_and_in_a_turn_their_latin_letters():
    assert failed(choice("Which?", "One", "Two"), choice("أي؟", "واحد")) == ["n_options"]

    listed = chat("Which?\nA. lung\nB. heart")
    assert failed(listed, chat("أي؟\nA. الرئة\nB. القلب")) == []
    assert details(listed, chat("أي؟\nأ. الرئة\nب. القلب"), "n_options") == [
        "turn 1 (user) lists options without letters; expected A, B"
    ]


def test_the_letter_of_the_answer_is_kept():
    source = choice("Which?", "Lung", "Heart", reply=["B. Heart"])

    assert failed(source, choice("أي؟", "الرئة", "القلب", reply=["B. القلب"])) == []
    assert failed(source, choice("أي؟", "الرئة", "القلب", reply=["B. القلب"], answer="A")) == ["answer_key"]
    assert failed(source, choice("أي؟", "الرئة", "القلب", reply=["A. القلب"])) == ["answer_key"]
    assert failed(source, choice("أي؟", "الرئة", "القلب", reply=["ب. القلب"])) == ["answer_key"]


def test_a_bacterium_that_begins_an_answer_is_no_letter():
    assert failed(chat("Which?", "E. coli is likely."), chat("أي؟", "الإشريكية القولونية هي المرجحة.")) == []


def test_an_empty_translation_fails_and_an_empty_source_does_not():
    assert failed(chat("Pain?"), chat(" \n")) == ["empty"]
    assert failed(chat(""), chat("")) == []


# --- what must survive ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", ["<image>", "$x_1^2$", "https://a.b/c", "PMID: 2412", "C50.9", "(ICD-10) I10"])
def test_what_stands_letter_for_letter_may_move_but_not_go_or_come(kept):
    source, moved = chat(f"{kept} What is the lesion here?"), chat(f"ما هي الآفة الظاهرة هنا؟ {kept}")

    assert failed(source, moved) == []
    assert "placeholders" in failed(source, chat("ما هي الآفة الظاهرة هنا؟"))
    assert "placeholders" in failed(chat("What is the lesion here?"), moved)


def test_a_code_is_kept_even_where_what_names_it_comes_after_it():
    assert failed(chat("The ICD-10 code is I10"), chat("الرمز I10 بحسب التصنيف الدولي ICD-10")) == []


def test_one_of_two_images_is_missed_and_a_mask_that_is_left_is_seen():
    assert details(chat("<image> <image> Compare."), chat("<image> قارن."), "placeholders") == [
        "turn 1 (user): missing <image>"
    ]
    assert "placeholders" in failed(chat("Take it."), chat("خذ ⟦1⟧."))


def test_numbers_are_compared_by_value_and_words_for_them_are_no_false_alarm():
    assert failed(chat("Take 0.5 mg"), chat("خذ ٠٫٥ ملغ")) == []
    assert failed(chat("Take it 2 hours later"), chat("خذه بعد ساعتين")) == []
    assert failed(chat("Take two of them"), chat("خذ اثنين منها")) == []
    assert details(chat("Take 0.5 mg"), chat("خذ 5 ملغ"), "numbers") == ["turn 1 (user): missing 0.5; extra 5"]


def test_a_unit_that_changed_is_noticed_when_the_number_stayed():
    assert failed(chat("Take 5 mg"), chat("خذ ٥ مغ")) == []
    assert failed(chat("Take 5 mg"), chat("خذ 5 mcg")) == ["units"]
    assert details(chat("Take 5 mg"), chat("خذ 5 ميكروغرام"), "units") == ["turn 1 (user): 5 mg became 5 mcg"]


# --- language ------------------------------------------------------------------------------------------------------


def test_names_abbreviations_and_glosses_do_not_lower_the_share_of_arabic():
    source = chat("Imatinib or metformin with MRI and CT for nociceptive pain?")

    assert failed(source, chat("imatinib أم metformin مع MRI و CT للألم المستقبلي (nociceptive pain)؟")) == []
    assert failed(source, chat("هل الألم nociceptive pain alarming؟")) == ["arabic_share"]


def test_options_are_judged_together_and_may_be_symbols():
    assert failed(choice("Which?", "CO2", "I and II"), choice("أي؟", "CO2", "I و II")) == []
    assert failed(choice("Which?", "Dopamine", "Serotonin"), choice("أي؟", "Dopamine", "Serotonin")) == ["arabic_share"]


def test_an_english_sentence_that_was_left_is_found_within_arabic():
    arabic = "يعاني المريض من ألم شديد في الصدر منذ ساعات طويلة وقد تفاقم عند المشي وصعود الدرج في المنزل. "
    english = "The patient has had severe chest pain for many hours, worse on walking and climbing stairs at home. "

    assert failed(chat(english + "Which of the following?"), chat(arabic + "Which of the following?")) == [
        "leftover_english"
    ]
    assert failed(chat(english + "AST, ALT, ALP, GGT?"), chat(arabic + "AST, ALT, ALP, GGT؟")) == []
    assert failed(chat(english + "Staphylococcus aureus?"), chat(arabic + "Staphylococcus aureus؟")) == []


def test_letters_of_a_third_script_are_foreign():
    assert failed(chat("A severe infection"), chat("عدوى 严重 شديدة")) == ["other_script"]
    assert failed(chat("TNF-α and κ chains"), chat("TNF-α وسلاسل κ")) == []


def test_the_source_returned_is_unchanged():
    source = chat("What is the most likely diagnosis?")

    assert "unchanged" in failed(source, chat("what is the most likely diagnosis"))
    assert "unchanged" not in failed(chat("CO2, BRCA1"), chat("CO2, BRCA1"))


def test_tags_that_the_source_does_not_have_are_markup():
    assert failed(chat("Pain?"), chat("<answer>ألم؟</answer>")) == ["markup"]
    assert failed(chat("Is p < 0.05 here?"), chat("هل p < 0.05 هنا؟")) == []
    assert failed(chat("<b>Pain</b> in legs?"), chat("<b>ألم</b> في الساقين؟")) == []


# --- form ----------------------------------------------------------------------------------------------------------


def test_the_length_of_a_translation_has_bounds_but_a_set_phrase_may_shrink():
    assert failed(chat("Which of the following is true about haemorrhoids?"), chat("ما الصحيح حول البواسير؟")) == []

    vignette = "The patient has had severe chest pain for many hours, worse on walking. What is the diagnosis?"
    assert details(chat(vignette), chat("ما هو التشخيص؟"), "length_ratio") == [
        "turn 1 (user): 14 characters for 94; expected 40 to 223"
    ]
    assert failed(chat("Pain?"), chat("ألم شديد جدا في الصدر والكتف والذراع اليسرى؟")) == ["length_ratio"]
    assert failed(chat(vignette), chat("ما هو التشخيص؟"), min_length_ratio=0.1) == []


def test_a_loop_is_a_failure_unless_the_source_loops_too():
    cough = "لا يوجد سعال أو حمى أو ألم. "
    source = "There is no cough, no fever and no pain at all in this patient today, as was said before."

    assert failed(chat(source), chat(cough * 4)) == ["repetition"]
    assert failed(chat("No pain, not now and not before."), chat("لا لا لا لا ألم الآن وقبل")) == ["repetition"]
    assert failed(chat("No, no, no, no pain now."), chat("لا لا لا لا ألم الآن")) == []
    assert failed(chat("Better and better"), chat("أفضل أفضل")) == []
    assert "repetition" in failed(chat("Haa"), chat("هاااااااااا"))


def test_a_sentence_that_is_said_twice_is_a_loop():
    sentence = "يعاني المريض من ألم شديد في الصدر منذ ساعات طويلة "

    assert "repetition" in failed(chat("The patient has had severe chest pain for many hours."), chat(sentence * 2))


@pytest.mark.parametrize(
    "text",
    ["عذراً، لا أستطيع ترجمة هذا النص.", "لا يمكنني المساعدة في ذلك.", "بصفتي نموذجًا لغويًا لا أقدم نصائح.",
     "I'm sorry, but I can't.", "As an AI, I cannot."],
)  # fmt: skip
def test_a_refusal_is_recognised_in_both_languages(text):
    assert "refusal" in failed(chat("What is the treatment of asthma?"), chat(text))


def test_a_patient_who_is_sorry_or_cannot_sleep_is_no_refusal():
    assert failed(chat("I'm sorry, I can't sleep."), chat("عذرا، لا أستطيع النوم.")) == []
    assert failed(chat("Below the knee."), chat("أسفل الركبة.")) == []  # one letter from "sorry"


@pytest.mark.parametrize(
    "text",
    [
        "إليك الترجمة: ما هو الربو؟",
        "الترجمة: ما هو الربو؟",
        "بالتأكيد! إليك ما هو الربو؟",
        "Here is the translation: ما هو؟",
    ],
)
def test_a_preamble_is_recognised_in_both_languages(text):
    assert "preamble" in failed(chat("What is asthma, in plain words, please?"), chat(text))


def test_the_biology_of_translation_is_no_preamble():
    assert failed(chat("Translation requires ribosomes."), chat("الترجمة تتطلب الريبوسومات.")) == []


def test_the_prompts_own_example_is_recognised_when_it_is_paraphrased():
    example = "كيف يتم اكتشاف تزوير عنوان IP؟ مقارنة قيم TTL للعناوين الفعلية والمزورة"
    copied = chat("كيف يتم كشف تزوير عنوان IP؟ مقارنة قيم TTL للعناوين الفعلية والمزيفة")
    source = chat("How are genes compared for actual and assumed carriers?")

    assert failed(source, copied, examples=("شيء آخر تماما", example)) == ["prompt_example"]
    assert details(source, copied, "prompt_example", examples=(example,)) == [
        "73% of the word pairs of the prompt's example 1"  # 8 of its 11
    ]
    assert failed(source, chat("كيف تقارن جينات الحاملين الفعليين والمفترضين؟"), examples=(example,)) == []
