"""Two small records in BiMed-MBench's published schema; the texts are made up.

shared/notes/formats.md, "LLaVA-Med visual-chat questions"; shared/paper/facts.md, section 9, defects 5 and 11.
"""

DOMAIN = {"chest_xray": True, "mri": False, "histology": False, "gross": False, "ct_scan": True}

ENGLISH = {
    "question_id": 142,
    "image": "0000000_F1.jpg",
    "pair_id": "0000000_F1",
    "text": "What does the film show?",
    "gpt4_answer": "A nodule of 8 mm.",
    "fig_caption": "Chest film with a nodule.",
    "fig_label": "Figure 1",
    "in_text_mention": [
        {"tokens": "A nodule was seen (Fig. 1).", "entities": [{"type": "figure", "entity_id": "1", "start_tok": 4}]},
        {"tokens": "It had grown (Fig. 1).", "entities": []},
    ],
    "domain": DOMAIN,
    "type": "conversation",
}
ARABIC = ENGLISH | {
    "text": "صف الصورة.",
    "gpt4_answer": "عقيدة قطرها 8 مم.",
    "fig_caption": "صورة صدر.",
    "fig_label": "الشكل 1",
    "in_text_mention": "",
    "type": "وصف تفصيلي",
    "qid": 142,
    "in_text_mention_tokens": "",
}
