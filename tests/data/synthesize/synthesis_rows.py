"""Rows that a synthesis starts from, and answers that pass, in both languages."""

import json

from bimedix2_core.data.sources.multiple_choice import multiple_choice
from bimedix2_core.records import Row, message

KEY = "0" * 64


def choice_row(id="m1", question=None, choices=None, answer="B", language="en", explanation="It is bronchospasm."):
    return multiple_choice(
        id=id,
        language=language,
        source="medqa",
        question=question or "A 24-year-old woman has wheezing after exercise each morning. Which drug is given first?",
        choices=choices or ["Oral theophylline", "Inhaled salbutamol", "Intravenous adrenaline", "Inhaled steroids"],
        answer=answer,
        explanation=explanation,
        facts={"meta_info": "step1"},
    )


def caption_row(caption="A chest X-ray with a small left pleural effusion, 3 cm high.", id="c1", language="en"):
    messages = [message("user", "Describe the image.", images=1), message("assistant", caption)]
    return Row(id, language, "caption", "llava_med_alignment", messages, images=(KEY,))


def short_row(question="Is there a fracture?", answer="Yes", id="v1", language="en"):
    messages = [message("user", question, images=1), message("assistant", answer)]
    return Row(
        id, language, "vqa", "rad_vqa", messages, images=(KEY,), kind="closed", answer=answer, facts={"image": "a.jpg"}
    )


CHAT = [
    ("patient", "Doctor, I keep wheezing when I go running."),
    ("doctor", "I am sorry to hear that. How long does it last?"),
    ("patient", "Ten minutes or so."),
    ("doctor", "Then inhaled salbutamol should be tried first: it opens the airways."),
]
ARABIC_CHAT = [
    ("patient", "يا دكتور، أعاني من صفير في الصدر عندما أركض."),
    ("doctor", "يؤسفني ذلك. كم يستمر الصفير؟"),
    ("patient", "نحو عشر دقائق."),
    ("doctor", "إذن يُستحسن البدء بالسالبوتامول المستنشق، فهو يوسع القصبات."),
]
TALK = [
    ("user", "What kind of image is this?"),
    ("assistant", "It is a chest X-ray."),
    ("user", "What does it show?"),
    ("assistant", "There is a small pleural effusion on the left, about 3 cm high."),
]


def said(turns):
    return json.dumps([{"role": role, "text": text} for role, text in turns], ensure_ascii=False)
