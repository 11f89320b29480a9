import csv
import json
import re
from dataclasses import replace

import local_server
import pytest
from shared_data import real

from bimedix2_core.data import rollouts
from bimedix2_core.data.review.items import Review, joined, review_item, text_key
from bimedix2_core.data.review.settlement import settle
from bimedix2_core.data.rollouts import Job, Outcome, Server
from bimedix2_core.data.sources import BadRows, read_source
from bimedix2_core.data.sources.multiple_choice import parts_of
from bimedix2_core.data.translate.prompts import prompts
from bimedix2_core.data.translate.published import Published, Untranslated, twins, write_translated_benchmark
from bimedix2_core.data.translate.rollout import Translation, protocol
from bimedix2_core.endpoint import Limits
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row, message, row_of, text_of

cipher = local_server.cipher

DOMAIN = {"chest_xray": True, "mri": False, "histology": False, "gross": False, "ct_scan": True}
MBENCH = [
    {
        "question_id": 142,
        "image": "0000000_F1.jpg",
        "pair_id": "0000000_F1",
        "text": "What does the film show?",
        "gpt4_answer": "A nodule of 8 mm.",
        "fig_caption": "Chest film with a nodule.",
        "fig_label": "Figure 1",
        "in_text_mention": [{"tokens": "A nodule was seen.", "entities": [{"type": "figure", "start_tok": 4}]}],
        "domain": DOMAIN,
        "type": "conversation",
    },
    {
        "question_id": 3,
        "image": "0000001_F2.jpg",
        "pair_id": "0000001_F2",
        "text": "Describe the slide in detail.",
        "gpt4_answer": "Glands are crowded.",
        "fig_caption": "Stained slide of the colon.",
        "fig_label": "Figure 2",
        "in_text_mention": None,
        "domain": dict.fromkeys(DOMAIN, False) | {"histology": True},
        "type": "detailed_description",
    },
]
MEDMCQA = [
    {
        "id": f"m-{number}", "question": f"Which drug is number {number}?", "opa": "Insulin", "opb": "Iodine",
        "opc": "Zinc", "opd": "Iron", "cop": number, "choice_type": "single", "exp": "It is so.\n\nIndeed.",
        "subject_name": "Pharmacology", "topic_name": None,
    }
    for number in range(3)
]  # fmt: skip
PUBMEDQA = {
    "21645374": {
        "QUESTION": "Does it help?", "CONTEXTS": ["We asked 20 patients.", "Half of them said so."],
        "LABELS": ["METHODS", "RESULTS"], "MESHES": ["Humans"], "YEAR": "2011", "reasoning_required_pred": "no",
        "reasoning_free_pred": "no", "final_decision": "no", "LONG_ANSWER": "It does not help.",
    }
}  # fmt: skip
MEDQA = [
    {
        "question": f"A man of {age} years coughs. What now?", "answer": "Rest",
        "options": {"A": "Wait", "B": "Rest", "C": "Run", "D": "Sing"}, "meta_info": "step1", "answer_idx": "B",
    }
    for age in (45, 60)
]  # fmt: skip


def read(source_id, file):
    return list(read_source(source_id, file, bad_rows=BadRows(0)))


def written(path, records):
    text = json.dumps(records) if isinstance(records, dict) else "".join(json.dumps(one) + "\n" for one in records)
    path.write_text(text)
    return path


def translated(folder, rows, *, name="ours", rounds=1):
    """A run over these rows against a real server."""
    rule = protocol(name, rounds=rounds, threshold=85.0, protects=("quantity",))
    rollouts.write_rows(rows, folder / "rows.jsonl")
    with local_server.serving(folder / "ledger") as url:
        limits = Limits(in_flight=8, first_wait=0.01)
        rollout = Translation(rule, prompts("instructed"), max_new_tokens=64, refine_temperature=0.7)
        return rollouts.run(Job(folder / "rows.jsonl", folder / "out", rollout, Server("m", url), limits))


def chat(name, question="Is there a nodule?", answer="Yes, on the left."):
    return Row(name, "en", "qa", "made up", [message("user", question), message("assistant", answer)])


LOSES_ITS_MARK = "A careless order: 5 mg daily."
"""The server drops what stands for "5 mg", unless it is told so."""


def decided(run, name, **corrected):
    """A reviewer's settled decision on a row; ``decided(run, "x", user="...")`` corrects its question."""
    result = next(one for one in rollouts.results(run.folder) if one["id"] == name)
    arabic = row_of(result["row"])
    item = review_item(row_of(result["english"]), arabic)
    turns = [message(turn["role"], corrected.get(turn["role"], text_of(turn))) for turn in arabic.messages]
    text = joined(replace(arabic, messages=turns)) if corrected else ""
    return settle([Review(name, "Dr A", "minor", text_key(item.arabic), corrected=text)]).decisions


def question_with_options(run, name, question):
    """The user's turn of a multiple choice with another question."""
    result = next(one for one in rollouts.results(run.folder) if one["id"] == name)
    choices = result["row"]["choices"]
    return "\n".join([question, *(f"{letter}. {choice}" for letter, choice in zip("ABCD", choices, strict=True))])


# --- twins ---------------------------------------------------------------------------------------------------------


def test_twins_come_in_the_order_of_the_rows_and_what_has_none_is_named_with_its_reasons(tmp_path):
    run = translated(tmp_path, [chat("a"), chat("b", LOSES_ITS_MARK), chat("c", " ", " "), chat("d", "What is it?")])
    untranslated = []

    found = list(twins(run, untranslated))

    assert [(row.id, row.language) for row in found] == [("a", "ar"), ("d", "ar")]
    assert text_of(found[1].messages[0]) == cipher("What is it?")
    assert [(one.id, one.source) for one in untranslated] == [("b", "made up"), ("c", "made up")]
    assert untranslated[0].reasons[0].startswith("placeholders: text 1: the translation does not have each of its 1")
    assert untranslated[1].reasons == ("row 'c' has no text to translate",)


def test_a_translation_that_did_not_pass_is_a_twin_all_the_same(tmp_path):
    run = translated(tmp_path, [chat("a", "A careless list of 3 rooms.")])
    [result] = rollouts.results(run.folder)

    assert (result["passed"], [row.id for row in twins(run, [])]) == (False, ["a"])


def test_what_experts_corrected_stands_in_the_twins(tmp_path):
    run = translated(tmp_path, [chat("a"), chat("b")])
    decisions = decided(run, "b", assistant="نعم، في الجهة اليسرى.")

    plain, corrected = list(twins(run, [])), list(twins(run, [], decisions=decisions))

    assert corrected[0] == plain[0]
    assert [text_of(turn) for turn in corrected[1].messages] == [cipher("Is there a nodule?"), "نعم، في الجهة اليسرى."]


def test_a_correction_without_its_row_is_refused_before_the_first_twin(tmp_path):
    run = translated(tmp_path, [chat("a"), chat("b", LOSES_ITS_MARK)])
    decisions = decided(run, "a", user="أهناك عقيدة؟")
    gone = {"b": decisions["a"]}

    with pytest.raises(DataError, match="'b': no such Arabic row, so its correction has no place"):
        twins(run, [], decisions=gone)


def test_a_run_that_is_not_through_gives_neither_twins_nor_a_file(tmp_path):
    run = Outcome(tmp_path, n_rows=193, n_done=100, stopped="the budget of 5 is spent")

    with pytest.raises(DataError, match=r"100 of 193 rows have a result \(the budget of 5 is spent\)"):
        twins(run, [])
    with pytest.raises(DataError, match="100 of 193 rows have a result"):
        write_translated_benchmark(run, tmp_path / "q.jsonl", "bimed_mbench")
    assert list(tmp_path.iterdir()) == []


# --- benchmarks ----------------------------------------------------------------------------------------------------


def test_bimed_mbench_comes_out_in_its_own_schema_arabic_where_it_is_read_and_untouched_elsewhere(tmp_path):
    run = translated(tmp_path, read("bimed_mbench", written(tmp_path / "en.jsonl", MBENCH)))

    done = write_translated_benchmark(run, tmp_path / "ar.jsonl", "bimed_mbench")

    records = [json.loads(line) for line in (tmp_path / "ar.jsonl").read_text().splitlines()]
    assert done == Published(tmp_path / "ar.jsonl", n_english=2, n_rows=2, n_low=0, n_corrected=0, untranslated=())
    prose = ("text", "gpt4_answer", "fig_caption", "fig_label")
    for english, arabic in zip(MBENCH, records, strict=True):
        same = [name for name in english if name not in (*prose, "in_text_mention")]
        assert {name: arabic[name] for name in same} == {name: english[name] for name in same}
        assert set(arabic) == set(english)
        for name in prose:
            assert re.search("[\u0621-\u064a]", arabic[name])
            assert not re.search("[A-Za-z]", arabic[name].replace("8 mm", ""))
    assert records[0]["gpt4_answer"] == f"{cipher('A nodule of')} 8 mm."
    assert records[0]["in_text_mention"] == [MBENCH[0]["in_text_mention"][0] | {"tokens": cipher("A nodule was seen.")}]
    assert records[1]["in_text_mention"] is None
    rows = read("bimed_mbench_ar", tmp_path / "ar.jsonl")
    assert [(row.id, row.kind) for row in rows] == [("142", "conversation"), ("3", "detailed_description")]


def test_expert_corrections_reach_the_published_benchmark(tmp_path):
    run = translated(tmp_path, read("bimed_mbench", written(tmp_path / "en.jsonl", MBENCH)))
    decisions = decided(run, "142", user="ماذا تظهر الصورة؟") | decided(run, "3")

    done = write_translated_benchmark(run, tmp_path / "ar.jsonl", "bimed_mbench", decisions=decisions)

    first, second = (json.loads(line) for line in (tmp_path / "ar.jsonl").read_text().splitlines())
    assert (first["text"], first["gpt4_answer"]) == ("ماذا تظهر الصورة؟", f"{cipher('A nodule of')} 8 mm.")
    assert first["fig_caption"] == cipher(MBENCH[0]["fig_caption"])
    assert second["text"] == cipher(MBENCH[1]["text"])
    assert (done.n_rows, done.n_corrected) == (2, 1)


def test_a_reviewer_sees_caption_and_mentions_and_what_is_corrected_there_is_published(tmp_path):
    run = translated(tmp_path, read("bimed_mbench", written(tmp_path / "en.jsonl", MBENCH)))
    result = next(rollouts.results(run.folder))
    item = review_item(row_of(result["english"]), row_of(result["row"]))
    corrected = item.arabic.replace(cipher(MBENCH[0]["fig_caption"]), "صورة صدر.")
    decisions = settle([Review(item.id, "Dr A", "major", text_key(item.arabic), corrected=corrected)]).decisions

    write_translated_benchmark(run, tmp_path / "ar.jsonl", "bimed_mbench", decisions=decisions)

    first = json.loads((tmp_path / "ar.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert MBENCH[0]["fig_caption"] in item.english
    assert cipher("A nodule was seen.") in item.arabic
    assert first["fig_caption"] == "صورة صدر."
    assert first["in_text_mention"][0]["tokens"] == cipher("A nodule was seen.")


@pytest.mark.parametrize(
    ("source_id", "name", "records"),
    [("medmcqa", "dev.json", MEDMCQA), ("medqa", "test.jsonl", MEDQA), ("pubmedqa", "pqal.json", PUBMEDQA)],
)
def test_question_sets_come_out_in_their_layout_with_ids_keys_and_facts_untouched(tmp_path, source_id, name, records):
    english = read(source_id, written(tmp_path / name, records))
    (tmp_path / "ar").mkdir()

    done = write_translated_benchmark(translated(tmp_path, english), tmp_path / "ar" / name, source_id)

    arabic = read(f"{source_id}_ar", tmp_path / "ar" / name)
    assert (done.n_english, done.n_rows, done.n_low) == (len(english), len(english), 0)
    assert [(row.id, row.answer, row.facts) for row in arabic] == [(row.id, row.answer, row.facts) for row in english]
    for before, after in zip(english, arabic, strict=True):
        asked, said = (parts_of(row, with_contexts=source_id == "pubmedqa") for row in (before, after))
        assert said.question == cipher(asked.question)
        assert said.contexts == tuple(map(cipher, asked.contexts))
        assert said.explanation == cipher(asked.explanation)
        if source_id != "pubmedqa":  # whose decision is published as yes, no or maybe
            assert after.choices == tuple(map(cipher, before.choices))


def test_real_mmlu_files_of_one_run_come_out_each_with_its_own_rows(tmp_path):
    english = {}
    for name in ("anatomy_test.csv", "medical_genetics_test.csv"):
        lines = list(csv.reader((real("mmlu_medical_en") / name).read_text().splitlines()))[:4]
        with (tmp_path / name).open("w", newline="") as stream:
            csv.writer(stream).writerows(lines)
        english[name] = read("mmlu_medical", tmp_path / name)
    run = translated(tmp_path, [row for rows in english.values() for row in rows])
    corrected = question_with_options(run, "anatomy_test-1", "صف الوجه؟")
    decisions = decided(run, "anatomy_test-1", user=corrected)

    for name, rows in english.items():
        done = write_translated_benchmark(run, tmp_path / "ar" / name, "mmlu_medical", decisions=decisions)
        arabic = read("mmlu_medical_ar", tmp_path / "ar" / name)

        assert (done.n_rows, done.n_corrected) == (3, name.startswith("anatomy"))
        assert [(row.id, row.answer, row.facts) for row in arabic] == [(row.id, row.answer, row.facts) for row in rows]
        assert [row.choices for row in arabic] == [tuple(map(cipher, row.choices)) for row in rows]
    assert parts_of(read("mmlu_medical_ar", tmp_path / "ar/anatomy_test.csv")[1]).question == "صف الوجه؟"


def test_rows_without_a_translation_are_listed_beside_the_file_and_missed_in_its_count(tmp_path):
    records = [MEDMCQA[0], MEDMCQA[1] | {"question": LOSES_ITS_MARK}, MEDMCQA[2]]
    english = read("medmcqa", written(tmp_path / "en.json", records))
    beside = tmp_path / "dev.json.untranslated.jsonl"

    done = write_translated_benchmark(translated(tmp_path, english), tmp_path / "dev.json", "medmcqa")

    assert (done.n_english, done.n_rows, [one.id for one in done.untranslated]) == (3, 2, ["m-1"])
    assert [row.id for row in read("medmcqa_ar", tmp_path / "dev.json")] == ["m-0", "m-2"]
    [listed] = [json.loads(line) for line in beside.read_text().splitlines()]
    assert Untranslated(listed["id"], listed["source"], tuple(listed["reasons"])) == done.untranslated[0]
    assert listed["reasons"][0].startswith("placeholders: text 1: ")

    # another round puts it right, and the list goes
    (tmp_path / "again").mkdir()
    again = write_translated_benchmark(
        translated(tmp_path / "again", english, rounds=2), tmp_path / "dev.json", "medmcqa"
    )
    assert (again.n_rows, again.untranslated, beside.exists()) == (3, (), False)


def test_a_layout_without_ids_is_not_written_with_a_gap_but_the_gap_is_listed(tmp_path):
    records = [MEDQA[0], MEDQA[1] | {"question": LOSES_ITS_MARK}]
    run = translated(tmp_path, read("medqa", written(tmp_path / "test.jsonl", records)))

    with pytest.raises(DataError) as refused:
        write_translated_benchmark(run, tmp_path / "ar/test.jsonl", "medqa")

    assert "test.jsonl is not written: 1 of its 2 rows have no whole translation, the first is 'test-1' (place" in str(
        refused.value
    )
    assert [file.name for file in (tmp_path / "ar").iterdir()] == ["test.jsonl.untranslated.jsonl"]


def test_low_translations_are_counted_until_experts_decide_on_them(tmp_path):
    records = [MEDMCQA[0] | {"question": "Which careless drug is number 7?"}, MEDMCQA[1]]
    run = translated(tmp_path, read("medmcqa", written(tmp_path / "en.json", records)))

    before = write_translated_benchmark(run, tmp_path / "dev.json", "medmcqa")
    after = write_translated_benchmark(run, tmp_path / "dev.json", "medmcqa", decisions=decided(run, "m-0"))

    assert (before.n_low, after.n_low, after.n_corrected) == (1, 0, 0)


def test_decisions_on_other_rows_of_the_run_are_left_to_their_own_file(tmp_path):
    rows = read("medmcqa", written(tmp_path / "en.json", MEDMCQA)) + read("medqa", written(tmp_path / "t.jsonl", MEDQA))
    run = translated(tmp_path, [*rows, chat("m-0")])  # an id of another source may be the same
    decisions = {}
    for name in ("m-0", "t-1"):
        text = question_with_options(run, name, "أي دواء؟").replace("\nD. ", "\nD. غير ")
        decisions |= decided(run, name, user=text)

    first = write_translated_benchmark(run, tmp_path / "ar/dev.json", "medmcqa", decisions=decisions)
    second = write_translated_benchmark(run, tmp_path / "ar/t.jsonl", "medqa", decisions=decisions)

    assert [(one.n_rows, one.n_corrected) for one in (first, second)] == [(3, 1), (2, 1)]
    row = read("medmcqa_ar", tmp_path / "ar/dev.json")[0]
    assert (parts_of(row).question, row.choices) == (
        "أي دواء؟", (cipher("Insulin"), cipher("Iodine"), cipher("Zinc"), f"غير {cipher('Iron')}"),
    )  # fmt: skip


def test_a_decision_on_no_row_at_all_is_refused(tmp_path):
    run = translated(tmp_path, read("medmcqa", written(tmp_path / "en.json", MEDMCQA)))
    decisions = {"m-9": decided(run, "m-0", user=question_with_options(run, "m-0", "أي دواء؟"))["m-0"]}

    with pytest.raises(DataError, match="'m-9': no such Arabic row"):
        write_translated_benchmark(run, tmp_path / "dev.json", "medmcqa", decisions=decisions)


@pytest.mark.parametrize(
    ("source_id", "name", "problem"),
    [
        ("apollo", "ar.json", "no published layout for twins of 'apollo'; known: bimed_mbench, mmlu_medical, medmcqa"),
        ("pubmedqa", "dev.json", r"no row of pubmedqa was translated that belongs to dev\.json"),
        ("medqa", "dev.jsonl", r"no row of medqa was translated that belongs to dev\.jsonl; name the file as it was"),
    ],
)
def test_a_file_that_cannot_be_is_refused(tmp_path, source_id, name, problem):
    run = translated(tmp_path, read("medqa", written(tmp_path / "test.jsonl", MEDQA)))

    with pytest.raises(DataError, match=problem):
        write_translated_benchmark(run, tmp_path / name, source_id)
