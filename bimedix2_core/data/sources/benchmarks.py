"""Open benchmarks: BiMed-MBench (LLaVA-Med's 193 questions, English and Arabic) and UPHILL's claims.

Layouts: shared/notes/formats.md; the defects of the published Arabic file: shared/paper/facts.md, section 9.
"""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from bimedix2_core.data.chat import IMAGE_TOKEN
from bimedix2_core.data.sources.card import NOT_STATED, Reading, Source, SourceCard
from bimedix2_core.data.sources.images import named_images, with_image
from bimedix2_core.data.sources.reading import Place, Record, facts_of, text_at
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row, message

KINDS = {
    "conversation": "conversation",
    "detailed_description": "detailed_description",
    "\u0648\u0635\u0641 \u062a\u0641\u0635\u064a\u0644\u064a": "detailed_description",
    "\u0648\u0635\u0641 \u0645\u0641\u0635\u0644": "detailed_description",
    "\u0645\u062d\u0627\u062f\u062b\u0629": "conversation",
}
"""Published `type` to kind: 36 rows of the Arabic file have it translated, in two ways. The last, the word for
conversation, was not seen in the rows that were inspected."""

MBENCH_FACTS = (
    "image",
    "pair_id",
    "fig_caption",
    "fig_label",
    "in_text_mention",
    "domain",
    "type",
    "qid",
    "in_text_mention_tokens",
)
MBENCH_TEXTS = ("image", "pair_id", "fig_caption", "fig_label", "type")
"""Facts that are published as text; the others are published as JSON values (or, in the Arabic file, as "")."""

LEVELS = ("Neutral", "Mild Presupposition", "Unequivocal Presupposition", "Writing Request", "Writing Demand")
VERACITIES = ("true", "false", "mixture", "fabricated")
UPHILL_FACTS = (
    "claim_id",
    "claim",
    "veracity_explanation",
    "subjects",
    "date_published",
    "source_db",
    "conversational_model",
    "response_num",
    "model_response",
    "entailment_prediction",
    "prediction_reasoning",
)


def mbench(place: Place, record: Record, reading: Reading) -> Row:
    """A question on a figure with its reference answer; the caption and the mentions that the judge sees are facts.

    `facts["type"]` is the published value, translated or not; `kind` is the English one. The figure stands before the
    question, whether or not there is an image store to keep it; `facts["image"]` names its file.
    """
    published = text_at(record, "type")
    if published not in KINDS:
        raise DataError(f"type is {published!r}; expected one of {', '.join(KINDS)}")
    if not isinstance(record["domain"], Mapping):
        raise DataError(f"domain is {record['domain']!r:.80}; expected an object of true and false")
    question = text_at(record, "text").replace(IMAGE_TOKEN, "").strip()
    row = Row(
        id=str(int(record["question_id"])),
        language=reading.language,
        task="judge",
        source=reading.source,
        messages=[message("user", question), message("assistant", text_at(record, "gpt4_answer"))],
        kind=KINDS[published],
        facts=facts_of(record, MBENCH_FACTS),
    )
    return with_image(row, named_images([text_at(record, "image")], reading))


def mbench_prose(row: Row) -> dict[str, str]:
    """The facts of a BiMed-MBench row that are prose, by name: caption, label, and each mention in the article.

    They are translated and reviewed with the row; `with_mbench_prose` puts the Arabic in their place. Rows of other
    sources have none: only these have domain flags.
    """
    if "domain" not in row.facts:
        return {}
    prose = {name: row.facts[name] for name in ("fig_caption", "fig_label") if row.facts.get(name)}
    return prose | {f"in_text_mention {n}": mention["tokens"] for n, mention in enumerate(_mentions(row))}


def with_mbench_prose(row: Row, prose: Mapping[str, str]) -> Row:
    """The row with its prose replaced; everything else, `type` and the domain flags included, stays untouched.

    Raises:
        DataError: `prose` lacks a text of the row or has one more.
    """
    expected = mbench_prose(row)
    if set(prose) != set(expected):
        raise DataError(f"row {row.id!r}: prose for {sorted(prose)}; expected {sorted(expected)}")
    facts = row.facts | {name: prose[name] for name in ("fig_caption", "fig_label") if name in prose}
    mentions = _mentions(row)
    if mentions:
        said = [mention | {"tokens": prose[f"in_text_mention {n}"]} for n, mention in enumerate(mentions)]
        facts["in_text_mention"] = json.dumps(said, ensure_ascii=False)
    return dataclasses.replace(row, facts=facts)


def uphill(place: Place, record: Record, reading: Reading) -> Row:
    """A query that presupposes a health claim, at one of five levels (`kind`); the answer is the claim's veracity.

    A published model response is a fact, not a target: it may well be wrong.
    """
    level, veracity = text_at(record, "presupposition_level"), str(record["claim_veracity"]).strip().lower()
    if level not in LEVELS:
        raise DataError(f"presupposition_level is {level!r}; expected one of {', '.join(LEVELS)}")
    if veracity not in VERACITIES:
        raise DataError(f"claim_veracity is {record['claim_veracity']!r}; expected one of {', '.join(VERACITIES)}")
    return Row(
        id=str(record.get("query_response_id") or f"{text_at(record, 'claim_id')} {level}"),
        language=reading.language,
        task="judge",
        source=reading.source,
        messages=[message("user", text_at(record, "query_with_presupposition"))],
        kind=level,
        answer=veracity,
        facts=facts_of(record, UPHILL_FACTS),
    )


def _mentions(row: Row) -> list[dict[str, Any]]:
    mentions = row.facts.get("in_text_mention")
    return json.loads(mentions) if mentions else []


_BIMEDIX2 = "Mullappilly et al., BiMediX2, arXiv 2412.07769"

SOURCES = (
    Source(
        SourceCard(
            "bimed_mbench",
            "BiMed-MBench",
            None,
            "CC BY-NC-SA 4.0",
            f"{_BIMEDIX2}; Li et al., LLaVA-Med, NeurIPS 2023",
            "LLaVA-Med's file llava_med_eval_qa50_qa.jsonl, with or without its image marker. A benchmark. "
            "The licence is that of the BiMediX2 release; the figures are from PMC articles.",
        ),
        mbench,
        language="en",
    ),
    Source(
        SourceCard(
            "bimed_mbench_ar",
            "BiMed-MBench (Ara)",
            None,
            "CC BY-NC-SA 4.0",
            _BIMEDIX2,
            "llava_med_eval_qa50_qa_arabic_verified.jsonl of the official repository: GPT-4o, corrected by doctors.",
        ),
        mbench,
        language="ar",
    ),
    Source(
        SourceCard(
            "uphill",
            "UPHILL",
            None,
            NOT_STATED,
            "Kaur et al., arXiv 2312.08800",
            "A benchmark; 1,945 claims at 5 levels. The full file is in a Google Drive folder that its authors link.",
        ),
        uphill,
        language="en",
    ),
)
