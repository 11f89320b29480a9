"""Question sets: PubMedQA, MedMCQA, MedQA, medical MMLU and Apollo's collections, each in its published layouts.

Layouts: shared/notes/formats.md and shared/data/README.md. Keys become letters, whatever the file writes (0-3, A-D,
"(A)", yes / no / maybe).
"""

import dataclasses
import re
from collections.abc import Sequence

from bimedix2_core.data.sources.card import NOT_STATED, Reading, Source, SourceCard
from bimedix2_core.data.sources.multiple_choice import LETTERS, PARAGRAPH, letter_of, multiple_choice
from bimedix2_core.data.sources.reading import Place, Record, WrongFileError, facts_of, text_at
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row, message

DECISIONS = ("yes", "no", "maybe")
"""What PubMedQA's files say, in the order of Apollo's letters."""

DECISION_WORDS = {"en": DECISIONS, "ar": ("\u0646\u0639\u0645", "\u0644\u0627", "\u0631\u0628\u0645\u0627")}
"""The options as a reader sees them."""

MMLU_COLUMNS = ("question", "choice0", "choice1", "choice2", "choice3", "answer")

PUBMEDQA_FACTS = ("LABELS", "MESHES", "YEAR", "reasoning_required_pred", "reasoning_free_pred")
MEDMCQA_FACTS = ("choice_type", "subject_name", "topic_name")

_APOLLO_OPTION = re.compile(r"^\(([A-Z])\) ", re.MULTILINE)
_MMLU_FILE = re.compile(r"(?P<subject>.+)_(?P<split>dev|val|test)")


def pubmedqa(place: Place, record: Record, reading: Reading) -> Row:
    """A question on an abstract, from ori_pqal.json (keyed by PMID, upper case) or from the hub's layout.

    The long answer is the explanation; the facts have the names of ori_pqal.json in both layouts. Questions without a
    decision (the hub's pqa_unlabeled) become open ones.
    """
    if "QUESTION" in record:
        id, question, contexts = text_at(record, "id"), text_at(record, "QUESTION"), record["CONTEXTS"]
        explanation, facts = text_at(record, "LONG_ANSWER"), facts_of(record, PUBMEDQA_FACTS)
    else:
        id, question, contexts = str(record["pubid"]), text_at(record, "question"), record["context"]["contexts"]
        context = {"LABELS": record["context"].get("labels"), "MESHES": record["context"].get("meshes")}
        explanation, facts = text_at(record, "long_answer"), facts_of(context, PUBMEDQA_FACTS)
    if not isinstance(contexts, Sequence) or isinstance(contexts, str):
        raise DataError(f"contexts are {contexts!r:.80}; expected a list of texts")
    decision = record.get("final_decision")
    if decision is None:
        asked = PARAGRAPH.join([*contexts, question])
        messages = [message("user", asked), message("assistant", explanation)]
        return Row(id, reading.language, "qa", reading.source, messages, facts=facts)
    if decision not in DECISIONS:
        raise DataError(f"final_decision is {decision!r}; expected one of {', '.join(DECISIONS)}")
    return multiple_choice(
        id=id,
        language=reading.language,
        source=reading.source,
        question=question,
        choices=DECISION_WORDS[reading.language],
        answer=LETTERS[DECISIONS.index(decision)],
        contexts=contexts,
        explanation=explanation,
        facts=facts,
    )


def medmcqa(place: Place, record: Record, reading: Reading) -> Row:
    """A question of an Indian entrance examination, in the hub's layout: `cop` counts from 0, -1 where it is secret.

    Raises:
        WrongFileError: `cop` is 4: the authors' own files count from 1, and every key would be shifted.
    """
    key = record["cop"]
    key = -1 if key is None else int(key)
    if key == len("abcd"):
        raise WrongFileError(
            "cop is 4; expected 0 to 3, or -1 without a key. The authors' own files count from 1, "
            "so that every key of this file would be read shifted: take the hub's copy, or subtract 1"
        )
    if key not in range(-1, 4):
        raise DataError(f"cop is {key}; expected 0 to 3, or -1 without a key")
    return multiple_choice(
        id=text_at(record, "id"),
        language=reading.language,
        source=reading.source,
        question=text_at(record, "question"),
        choices=[record[f"op{letter}"] for letter in "abcd"],
        answer="" if key == -1 else LETTERS[key],
        explanation=(record.get("exp") or "") if key != -1 else "",
        facts=facts_of(record, MEDMCQA_FACTS),
    )


def medqa(place: Place, record: Record, reading: Reading) -> Row:
    """A USMLE question, in the layout of GBaker/MedQA-USMLE-4-options or of its ``-hf`` variant.

    Raises:
        DataError: the answer text is an option, but not the one that the key names.
    """
    if "sent1" in record:
        question = " ".join(record[name] for name in ("sent1", "sent2") if record.get(name))
        choices = [record[f"ending{number}"] for number in range(4)]
        id, answer = text_at(record, "id"), letter_of(record["label"])
    else:
        id, answer = place.id, letter_of(record["answer_idx"])
        question, options = text_at(record, "question"), record["options"]
        if not isinstance(options, dict) or list(options) != list(LETTERS[: len(options)]):
            raise DataError(f"options are {options!r:.80}; expected an object with the letters A, B, ... in order")
        choices = list(options.values())
        text = record.get("answer")
        if text in choices and options.get(answer) != text:
            raise DataError(f"answer_idx is {answer!r}, but the answer {text!r:.80} is another option")
    return multiple_choice(
        id=id,
        language=reading.language,
        source=reading.source,
        question=question,
        choices=choices,
        answer=answer,
        facts=facts_of(record, ("meta_info",)),
    )


def mmlu(place: Place, record: Record, reading: Reading) -> Row:
    """A question of medical MMLU: CSV with keys 0-3 (English) or A-D (Arabic), or the hub's cais/mmlu.

    The English and the Arabic twin share an id, made of the file name and the number of the row in it.
    """
    choices = record["choices"] if "choices" in record else [record[name] for name in MMLU_COLUMNS[1:-1]]
    named = _MMLU_FILE.fullmatch(place.stem)
    return multiple_choice(
        id=place.id,
        language=reading.language,
        source=reading.source,
        question=text_at(record, "question"),
        choices=choices,
        answer=letter_of(record["answer"]),
        facts=named.groupdict() if named else facts_of(record, ("subject",)),
    )


def apollo(place: Place, record: Record, reading: Reading) -> Row:
    """A question of Apollo's collections; its facts keep which set it came from."""
    pieces = _APOLLO_OPTION.split(text_at(record, "options"))
    letters, choices = pieces[1::2], [piece.removesuffix("\n") for piece in pieces[2::2]]
    if pieces[0] or letters != list(LETTERS[: len(letters)]):
        raise DataError(f"options are {record['options']!r:.80}; expected lines (A) ..., (B) ... in order")
    return multiple_choice(
        id=place.id,
        language=reading.language,
        source=reading.source,
        question=text_at(record, "question"),
        choices=choices,
        answer=letter_of(record["answer"]),
        contexts=[record["context"]] if record.get("context") else [],
        facts={"collection": text_at(record, "source")},
    )


_PUBMEDQA = SourceCard(
    "pubmedqa",
    "PubMedQA",
    "qiaojin/PubMedQA:pqa_artificial",
    "MIT",
    "Jin et al., EMNLP 2019",
    "Configurations pqa_labeled (1,000), pqa_artificial and pqa_unlabeled; the official test set is the 500 ids of "
    "test_ground_truth.json, not a slice of ori_pqal.json. Table 12 has more rows than the 1,000 labelled ones.",
)
_MEDMCQA = SourceCard(
    "medmcqa",
    "MedMCQA",
    "openlifescienceai/medmcqa",
    "Apache-2.0",
    "Pal et al., CHIL 2022",
    "The validation split (4,183) serves as test set: the keys of the test split are not published.",
)
_MEDQA = SourceCard(
    "medqa",
    "MedQA",
    "GBaker/MedQA-USMLE-4-options",
    "CC BY 4.0 (hub copy; its -hf variant says CC BY-SA 4.0, the authors' repository MIT)",
    "Jin et al., Applied Sciences 2021",
    "Four options; the authors' own files and the bigbio copy have five.",
)
_APOLLO = SourceCard(
    "apollo",
    "Apollo test and development sets",
    None,
    "Apache-2.0",
    "Wang et al., Apollo, arXiv 2403.03640",
    "Files en.json of the repository FreedomIntelligence/Apollo, metadata/{test,dev}; a selection of four sets.",
)
_ARABIC = "Arabic rows of {}, in the layout of the English set. The authors' own are published inside BiMed-V only."


def _arabic(card: SourceCard) -> SourceCard:
    note = _ARABIC.format(card.name)
    id, name = f"{card.source_id}_ar", f"{card.name} (Ara)"
    return dataclasses.replace(card, source_id=id, name=name, hub_id=None, licence=NOT_STATED, note=note)


SOURCES = (
    Source(_PUBMEDQA, pubmedqa, language="en"),
    Source(_MEDMCQA, medmcqa, language="en"),
    Source(_MEDQA, medqa, language="en"),
    Source(_arabic(_PUBMEDQA), pubmedqa, language="ar"),
    Source(_arabic(_MEDMCQA), medmcqa, language="ar"),
    Source(_arabic(_MEDQA), medqa, language="ar"),
    Source(
        SourceCard(
            "mmlu_medical",
            "Medical MMLU",
            "cais/mmlu:anatomy",
            "MIT",
            "Hendrycks et al., ICLR 2021",
            "A benchmark, no training set. Six subjects, 1,089 test questions; on the hub one configuration a subject.",
        ),
        mmlu,
        language="en",
    ),
    Source(
        SourceCard(
            "mmlu_medical_ar",
            "Medical MMLU (Ara)",
            None,
            "Apache-2.0",
            "Huang et al., AceGPT, NAACL 2024",
            "Machine translated; CSV without header. 209 of the 1,089 test rows are not translations of their row but "
            "the translation prompt's own example (README of the test data); they are read as they stand.",
        ),
        mmlu,
        language="ar",
        columns=MMLU_COLUMNS,
    ),
    Source(_APOLLO, apollo, language="en"),
    Source(
        dataclasses.replace(
            _APOLLO,
            source_id="apollo_ar",
            name=f"{_APOLLO.name} (Ara)",
            note="Files ar.json of the same folders: Arabic medical MMLU. 54 of 1,088 test rows and 2 of 54 "
            "development rows hold the translation prompt's own example (README of the test data).",
        ),
        apollo,
        language="ar",
    ),
)
