"""BiMed-MBench as a profile names it: questions, three kinds of rows, the real judge's path, the way by translation."""

import json
import re
from contextlib import contextmanager
from dataclasses import replace
from statistics import fmean

import local_server
import pytest
import tiny

from bimedix2_core.bench import mbench
from bimedix2_core.bench.judge import count_problems
from bimedix2_core.demo.mbench_set import write_mbench
from bimedix2_core.errors import DataError, JudgeError
from bimedix2_core.inference.backends import LocalBackend
from bimedix2_core.multimodal_recipe import mbench as recipe
from bimedix2_core.params import load_params, read_profile
from bimedix2_core.records import n_images, text_of
from bimedix2_core.respondents import AnswerFolder, Respondent, Written, endpoint_respondent
from bimedix2_core.runs import JsonlStore

pytestmark = pytest.mark.filterwarnings("ignore::bimedix2_core.bench.statistics.FewClustersWarning")

SERVER = {
    "kind": "endpoint", "model": "some-model", "url": "http://127.0.0.1:9/v1", "api_key_variable": None, "in_flight": 4,
    "timeout": 5.0, "budget": None, "prompt_price": 0.0, "completion_price": 0.0,
}  # fmt: skip
EN, AR = recipe.SET_OF["en"], recipe.SET_OF["ar"]


def demo(**changes):
    settings = {"bimed_mbench.n_images": 5} | changes
    named = {f"benchmarks.{name}": value for name, value in settings.items()}
    return load_params("params/demo.yaml", named, environment={})


@contextmanager
def server(folder, body):
    """An endpoint; `body` is Python that sees `payload` and `text`, its last message, and returns the answer."""
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "answers.py"
    script.write_text(
        "import json, re\n"
        "def answer(payload):\n"
        f"    with open({str(folder / 'sent.jsonl')!r}, 'a') as stream:\n"
        "        stream.write(json.dumps(payload) + '\\n')\n"
        "    content = payload['messages'][-1]['content']\n"
        "    text = content if isinstance(content, str) else content[-1]['text']\n" + body,
        encoding="utf-8",
    )
    with local_server.serving(folder / "ledger.jsonl", answers=script) as url:
        yield SERVER | {"url": url}


def sent(folder, model="some-model"):
    """What the endpoint was sent, the first request aside, which asks which model answers."""
    found = [json.loads(line) for line in (folder / "sent.jsonl").read_text(encoding="utf-8").splitlines()]
    return [one for one in found if one["model"] == model and one["messages"][-1]["content"] != "Hello"]


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """The smallest stand-in: one figure of each kind."""
    return recipe.mbench_set(demo(), tmp_path_factory.mktemp("drawn"))


@pytest.fixture(scope="module")
def backends():
    """Two models, as an English and a bilingual checkpoint are."""
    return [LocalBackend(tiny.tiny_lmm(seed), tiny.GREEDY) for seed in (0, 1)]


@pytest.fixture
def store(tmp_path):
    return JsonlStore(tmp_path / "predictions.jsonl")


def written(texts):
    """Answers by set, of whatever model."""
    return {name: Written("m", "key of m", tuple(said), {}) for name, said in texts.items()}


# --- the questions ----------------------------------------------------------------------------------------------------


def test_published_files_give_what_the_drawn_path_gives_but_do_not_say_stand_in(tmp_path):
    drawn = recipe.mbench_set(demo(**{"bimed_mbench.n_images": 50}), tmp_path / "run")
    files = write_mbench(tmp_path / "published", n_images=50, seed=0)
    places = {"english": str(files.english), "arabic": str(files.arabic), "images": str(files.images)}
    named = {f"bimed_mbench.{name}": value for name, value in (places | {"n_images": None, "judge": SERVER}).items()}

    published = recipe.mbench_set(demo(**named), tmp_path / "other run")

    sources = {"en": "bimed_mbench", "ar": "bimed_mbench_ar"}
    assert published.questions.rows == tuple(
        replace(row, source=sources[row.language]) for row in drawn.questions.rows
    )  # fmt: skip
    assert published.questions.audit == drawn.questions.audit
    assert {row.source for row in drawn.questions.rows} == {recipe.STAND_IN}
    assert len(published.questions.of("en")) == len(published.questions.of("ar")) == 193
    assert published.truths == {}  # the rubric has nothing to go by
    assert len(drawn.truths) == 50
    key = published.questions.rows[0].images[0]
    assert published.images.path(key).read_bytes() == drawn.images.path(key).read_bytes()


def test_a_part_of_the_published_files_is_refused(tmp_path):
    files = write_mbench(tmp_path, n_images=5, seed=0)
    places = {"english": str(files.english), "arabic": str(files.arabic), "images": str(files.images)}
    named = {f"bimed_mbench.{name}": value for name, value in (places | {"n_images": None, "judge": SERVER}).items()}

    with pytest.raises(DataError, match=r"questions.jsonl: \d+ questions; expected 193"):
        recipe.mbench_set(demo(**named), tmp_path / "run")


def test_each_question_is_asked_with_its_figure_and_without_its_reference(asked):
    queries = asked.queries()

    assert list(queries) == ["bimed_mbench_en", "bimed_mbench_ar"]
    for language, name in recipe.SET_OF.items():
        rows = asked.questions.of(language)
        assert [one.id for one in queries[name]] == [row.id for row in rows]
        assert {one.language for one in queries[name]} == {language}
        for one, row in zip(queries[name], rows, strict=True):
            assert (text_of(one.prompt[0]), len(one.prompt)) == (mbench.question_of(row), 1)
            assert one.images == [asked.images.open(row.images[0])]


# --- who is asked -----------------------------------------------------------------------------------------------------


def test_a_profile_that_trains_asks_its_base_and_its_model_for_all_three_tables(tmp_path):
    models = recipe.mbench_models(demo(), folder=tmp_path, stage1=tmp_path, stage2=tmp_path)

    assert [[one.row for one in part] for part in (models.english, models.arabic, models.direct)] == [
        ["base", "demo"]
    ] * 3
    assert models.rows == ["base", "demo"]


def test_the_released_8b_is_one_row_of_two_checkpoints_and_two_rows_of_table_8(tmp_path):
    params = load_params("params/released_8b.yaml", environment={})
    models = recipe.mbench_models(params, folder=tmp_path, stage1=None, stage2=None)

    assert [[one.row for one in part] for part in (models.english, models.arabic, models.direct)] == [
        ["bimedix2_8b"], ["bimedix2_8b"], ["bimedix2_8b_eng", "bimedix2_8b_bi"],
    ]  # fmt: skip
    assert recipe.english_model_of(params, models).row == "bimedix2_8b_eng"
    checkpoints = [part[0].load.args[1] for part in (models.english, models.arabic)]
    assert checkpoints == ["MBZUAI/BiMediX2-8B", "MBZUAI/BiMediX2-8B-Bi"]


def loads_nothing():
    raise AssertionError("loaded")


def models_of(*direct, english=(), arabic=()):
    rows = [tuple(Respondent(row, loads_nothing) for row in part) for part in (english, arabic, direct)]
    return recipe.MbenchModels(*rows)


@pytest.mark.parametrize(
    ("direct", "expected"),
    [
        (["base", "demo"], "demo"),
        (["base", "demo", "gpt"], "demo"),  # an endpoint beside it changes nothing
        (["m_eng", "m_bi", "gpt"], "m_eng"),
        (["gpt"], "gpt"),
    ],
)
def test_the_profiles_own_model_answers_the_translated_questions(direct, expected):
    params = demo(endpoints={"gpt": SERVER})

    assert recipe.english_model_of(params, models_of(*direct)).row == expected


def test_without_a_model_table_8_says_who_is_missing():
    with pytest.raises(DataError, match="Table 8 needs a model that answers in English"):
        recipe.english_model_of(demo(), models_of())


def test_one_row_may_be_an_english_and_a_bilingual_checkpoint(asked, backends, store):
    english, bilingual = (lambda one=one: one for one in backends)
    models = recipe.MbenchModels(
        (Respondent("m", english),),
        (Respondent("m", bilingual),),
        (Respondent("m_eng", english), Respondent("m_bi", bilingual), Respondent("m", loads_nothing)),
    )
    found = recipe.mbench_answers(models, (), asked, store=store)
    queries = asked.queries()

    assert {row: list(sets) for row, sets in found.items()} == {"m": [EN, AR], "m_eng": [AR], "m_bi": [AR]}
    assert found["m"][EN].texts == tuple(backends[0].generate(queries[EN]))
    assert found["m"][AR].texts == found["m_bi"][AR].texts == tuple(backends[1].generate(queries[AR]))
    assert found["m"][EN].model_key == found["m_eng"][AR].model_key != found["m"][AR].model_key
    assert len(store) == len(queries[EN]) + 2 * len(queries[AR])  # what m said in Arabic is not asked again of m_bi


def test_the_model_an_endpoint_and_a_folder_answer_in_both_languages(asked, backends, store, tmp_path):
    folder = tmp_path / "answers"
    folder.mkdir()
    for language, name in recipe.SET_OF.items():
        lines = [{"id": row.id, "answer": f"{language} {row.id}"} for row in reversed(asked.questions.of(language))]
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")

    with server(tmp_path / "gpt", "    return 'said ' + text\n") as gpt:
        rows = (Respondent("m", lambda: backends[0]), endpoint_respondent(demo(), "gpt", demo_server(gpt), tmp_path))
        models = recipe.MbenchModels(rows, rows, rows)
        found = recipe.mbench_answers(models, (AnswerFolder("elsewhere", folder),), asked, store=store)

    assert {row: list(sets) for row, sets in found.items()} == {row: [EN, AR] for row in ("m", "gpt", "elsewhere")}
    rows = asked.questions.of("ar")
    assert found["gpt"][AR].texts == tuple(f"said {mbench.question_of(row)}" for row in rows)
    assert found["elsewhere"][AR].texts == tuple(f"ar {row.id}" for row in rows)
    assert recipe.arabic_answers(found) == {row: sets[AR].texts for row, sets in found.items()}
    pictures = [one["messages"][0]["content"][0]["image_url"]["url"] for one in sent(tmp_path / "gpt")]
    assert len(pictures) == len(asked.questions.rows)
    assert len(set(pictures)) == 5  # a figure for several questions in both languages
    assert all(url.startswith("data:image/png;base64,") for url in pictures)


def demo_server(values):
    """A server as a profile has it."""
    return demo(endpoints={"gpt": values}).benchmarks.endpoints["gpt"]


# --- the judge --------------------------------------------------------------------------------------------------------

JUDGE = """
    if 'GRUMBLE' in text:
        return 'I prefer the first one.'
    if 'SORRY' in text:
        return "I'm sorry, but I cannot judge this."
    if 'AT TIMES' in text and payload.get('seed'):
        return '11 10'
    found = [re.search('<assistant_%d>\\n(.*?)\\n</assistant_%d>' % (n, n), text, re.S)[1] for n in (1, 2)]
    scores = [1 + len(one) % 10 for one in found]
    return '%d %d\\nBecause.' % tuple(11 - one if payload.get('seed') else one for one in scores)
"""
"""Grades each text by its length, and the other way round in a later draw; some answers make it unreadable."""

ANSWERS = {0: "GRUMBLE", 1: "SORRY", 2: "AT TIMES", 3: ""}
"""Answers to the first questions; to the others they are of as many letters as the number of the question."""

DRAWS = [(order, repeat) for order in ("reference_first", "answer_first") for repeat in (0, 1)]


def answers_to(asked):
    return written(
        {
            name: [ANSWERS.get(number, "x" * number) for number in range(len(asked.questions.of(language)))]
            for language, name in recipe.SET_OF.items()
        }
    )


def judged_by(judge, **changes):
    orders = ["reference_first", "answer_first"]
    settings = {"orders": orders, "repeats": 2, "judge": judge} | changes
    return demo(**{f"bimed_mbench.{name}": value for name, value in settings.items()})


@pytest.fixture(scope="module")
def judging(asked, tmp_path_factory):
    """One model's answers judged by an endpoint in both orders, twice each; the folder, the profile, the verdicts."""
    folder = tmp_path_factory.mktemp("judge")
    with server(folder, JUDGE) as judge:
        params = judged_by(judge)
        before = recipe.cost_line(params, asked, {"m": answers_to(asked)}, folder / "verdicts")
        judged = recipe.mbench_judged(params, asked, answers_to(asked), folder / "verdicts")
    return folder, params, judged, before


def by_length(text, repeat):
    score = 1 + len(text) % 10
    return float(11 - score if repeat else score)


def test_every_answer_is_judged_in_each_order_and_draw(asked, judging):
    _, _, judged, _ = judging
    n = len(asked.questions.rows)

    assert [(one.order, one.repeat) for one in judged] == [draw for draw in DRAWS for _ in range(n)]
    for start in range(0, 4 * n, n):
        assert tuple(one.row for one in judged[start : start + n]) == asked.questions.rows


def test_each_score_belongs_to_its_answer_whichever_was_read_first(judging):
    _, _, judged, _ = judging
    readable = [one for one in judged if one.is_scored]

    assert len(readable) > 50
    for one in readable:
        assert one.reference_score == by_length(mbench.reference_of(one.row), one.repeat)
        assert one.answer_score == (by_length(one.answer, one.repeat) if one.answer else 1.0)


def test_what_the_judge_was_sent_has_both_orders_and_the_later_draw_a_seed(asked, judging):
    folder, _, _, _ = judging
    row = asked.questions.of("ar")[5]
    both = [mbench.reference_of(row), "x" * 5]
    texts = {"reference_first": both, "answer_first": both[::-1]}

    found = [
        (one["temperature"], one.get("seed"), re.findall(r"<assistant_\d>\n(.*?)\n</assistant_\d>", said, re.S))
        for one in sent(folder)
        if f"<question>\n{mbench.question_of(row)}\n" in (said := one["messages"][-1]["content"])
        and "\nxxxxx\n" in said
    ]
    expected = [(0.0, repeat or None, texts[order]) for order, repeat in DRAWS]
    assert sorted(found, key=str) == sorted(expected, key=str)


def test_a_verdict_that_cannot_be_read_is_unscored_and_counted(asked, judging):
    _, _, judged, _ = judging

    unscored = [one for one in judged if not one.is_scored]
    assert count_problems(one.problem for one in judged) == {
        "no number on the first line": 8, "refusal": 8,  # two languages, two orders, two draws
        "a score off the scale on the first line": 4,
    }  # fmt: skip
    assert {one.answer for one in unscored} == {"GRUMBLE", "SORRY", "AT TIMES"}
    assert all((one.reference_score, one.answer_score) == (None, None) for one in unscored)


def test_the_table_leaves_out_what_no_draw_scored_and_averages_draws_then_orders(asked, judging):
    _, _, judged, _ = judging
    rows = asked.questions.of("en")

    def ratio(number):
        text, reference = ANSWERS.get(number, "x" * number), mbench.reference_of(rows[number])
        draws = (0,) if text == "AT TIMES" else (0, 1)
        return fmean((by_length(text, draw) if text else 1.0) / by_length(reference, draw) for draw in draws)

    found = next(
        one
        for one in mbench.results(judged)
        if (one.metric, one.kind, one.language) == (mbench.RELATIVE, "all", "en")
        and one.definition.startswith(mbench.MEAN_OF_RATIOS)
    )
    assert found.estimate.value == pytest.approx(fmean(ratio(number) for number in range(2, len(rows))))
    assert (found.estimate.n, found.n_unscored) == (len(rows) - 2, 2)
    assert "some-model, prompts " in found.definition


def test_a_second_run_asks_nothing_and_says_the_same_without_a_network(asked, judging):
    folder, params, judged, _ = judging
    n_sent = len(sent(folder))

    again = recipe.mbench_judged(params, asked, answers_to(asked), folder / "verdicts")  # the server is gone

    assert again == judged
    assert set(local_server.paid(folder / "ledger.jsonl").values()) == {1}  # nothing was bought twice
    assert n_sent == len({(one.row.id, one.row.language, one.order, one.repeat) for one in judged})


def test_the_cost_is_said_before_and_is_nothing_after(asked, judging):
    folder, params, judged, before = judging
    after = recipe.cost_line(params, asked, {"m": answers_to(asked)}, folder / "verdicts")

    assert before.startswith(f"{len(judged):,} verdicts to ask for, 0 known")
    assert after.startswith(f"0 verdicts to ask for, {len(judged):,} known")
    assert recipe.cost_line(demo(), asked, {"m": answers_to(asked)}, folder) == "the rubric grades; it costs nothing"


def test_a_model_that_was_asked_in_one_language_is_judged_on_it_alone(asked, judging):
    folder, params, judged, _ = judging
    arabic = {AR: answers_to(asked)[AR]}

    found = recipe.judged_all(params, asked, {"m": arabic}, folder / "verdicts")["m"]

    assert found == [one for one in judged if one.row.language == "ar"]


def test_a_spent_budget_stops_the_judge_keeps_what_was_paid_and_goes_on_when_it_is_raised(asked, tmp_path):
    prices = {"prompt_price": 10_000.0, "budget": 10.0, "in_flight": 2}  # a prompt of some 300 words is about 3
    with server(tmp_path, JUDGE) as judge:
        with pytest.raises(JudgeError, match="the budget of 10 is spent"):
            recipe.mbench_judged(judged_by(judge | prices), asked, answers_to(asked), tmp_path / "verdicts")
        n_paid = local_server.paid(tmp_path / "ledger.jsonl").total()
        cost = recipe.cost_line(judged_by(judge | prices), asked, {"m": answers_to(asked)}, tmp_path / "verdicts")
        richer = judged_by(judge | prices | {"budget": 1e6})
        judged = recipe.mbench_judged(richer, asked, answers_to(asked), tmp_path / "verdicts")

    assert 3 <= n_paid <= 10
    assert f"{n_paid:,} known" in cost
    assert "NOT ENOUGH" in cost
    assert local_server.paid(tmp_path / "ledger.jsonl").total() == len(judged)
    assert set(local_server.paid(tmp_path / "ledger.jsonl").values()) == {1}


def test_without_a_judge_the_rubric_grades_once_and_its_name_says_so(asked):
    texts = {name: [mbench.reference_of(row) for row in asked.questions.of(one)] for one, name in recipe.SET_OF.items()}
    judged = recipe.mbench_judged(judged_by(None), asked, written(texts), None)

    assert len(judged) == len(asked.questions.rows)
    assert {one.judge.partition(",")[0] for one in judged} == {"rubric"}
    assert all(one.answer_score == one.reference_score for one in judged)


# --- table 8 ----------------------------------------------------------------------------------------------------------

THERE_AND_BACK = """
    if payload['model'] == 'answerer':
        return 'A lesion.' if isinstance(content, list) else 'Hello.'
    source = text.partition('\\n\\n')[2].strip()
    if 'into English' in text:
        return '' if source == NONE else 'EN ' + source
    return 'AR ' + source
"""


def way_models(params, server, folder):
    """Table 8's model behind an endpoint, named as the English one."""
    model = endpoint_respondent(params, "m_eng", demo_server(server | {"model": "answerer"}), folder)
    return recipe.MbenchModels((), (), (model,))


def test_any_endpoint_may_translate_there_and_back(asked, store, tmp_path):
    rows = asked.questions.of("ar")
    none = mbench.question_of(rows[3])
    n_none = sum(mbench.question_of(row) == none for row in rows)
    with server(tmp_path / "s", THERE_AND_BACK.replace("NONE", repr(none))) as found:
        params = demo(**{"bimed_mbench.translators": {"service": found}})
        ways = recipe.translated_answers(
            params, asked, way_models(params, found, tmp_path), store=store, folder=tmp_path
        )

    way = ways["m_eng_service"]
    assert list(ways) == ["m_eng_phrasebook", "m_eng_service"]
    assert [one.id for one in way.answers] == [row.id for row in rows]
    assert way.answers[0].english_question == f"EN {mbench.question_of(rows[0])}"
    assert (way.answers[0].english_answer, way.answers[0].answer) == ("A lesion.", "AR A lesion.")
    assert (way.answers[3].answer, way.answers[3].problem) == ("", "no translation into English")
    assert sum(bool(one.problem) for one in way.answers) == n_none
    assert way.written[AR].texts == tuple(one.answer for one in way.answers)
    assert way.written[AR].model.endswith("answers as answerer), questions and answers translated by service")
    assert way.written[AR].model_key != ways["m_eng_phrasebook"].written[AR].model_key


def test_the_model_is_asked_the_translation_with_the_figure_and_the_translator_sees_no_figure(asked, store, tmp_path):
    with server(tmp_path / "s", THERE_AND_BACK.replace("NONE", "None")) as found:
        params = demo(**{"bimed_mbench.translators": {"service": found}})
        recipe.translated_answers(params, asked, way_models(params, found, tmp_path), store=store, folder=tmp_path)

    model = [one["messages"][0]["content"] for one in sent(tmp_path / "s", "answerer")]
    translator = [one["messages"][0]["content"] for one in sent(tmp_path / "s")]
    assert {parts[0]["type"] for parts in model} == {"image_url"}
    texts = {one[1]["text"] for one in model if one[1]["text"].startswith("EN ")}  # the others are the phrasebook's
    assert texts == {f"EN {mbench.question_of(row)}" for row in asked.questions.of("ar")}
    assert all(isinstance(content, str) for content in translator)
    assert {content.partition("\n\n")[2].strip() for content in translator} == {
        *(mbench.question_of(row) for row in asked.questions.of("ar")), "A lesion.",
    }  # fmt: skip


def test_the_phrasebook_translates_the_projects_own_sentences_both_ways(asked, store, tmp_path):
    with server(tmp_path / "s", "    return 'Yes.' if len(text) % 2 else 'Well, yes!'\n") as found:
        params = demo()
        ways = recipe.translated_answers(
            params, asked, way_models(params, found, tmp_path), store=store, folder=tmp_path
        )

    (way,) = ways.values()
    english = {row.id: mbench.question_of(row) for row in asked.questions.of("en")}
    assert [one.english_question for one in way.answers] == [english[one.id] for one in way.answers]
    for one in way.answers:
        known = len(one.english_question) % 2
        assert one.answer == ("نعم." if known else "")
        assert one.problem == ("" if known else "no translation into Arabic")
    assert {one.answer for one in way.answers} == {"نعم.", ""}


def test_without_a_translator_no_model_is_loaded_or_missed(asked, store, tmp_path):
    values = read_profile("params/demo.yaml", environment={})[0]
    values["benchmarks"]["bimed_mbench"]["translators"] = {}

    for models in (models_of(), models_of("m")):
        assert recipe.translated_answers(load_params(values), asked, models, store=store, folder=tmp_path) == {}


# --- for the cells ----------------------------------------------------------------------------------------------------


def test_the_card_of_a_row_has_its_own_key_decoding_and_judge(asked):
    texts = {name: [""] * len(asked.questions.of(one)) for one, name in recipe.SET_OF.items()}
    found = {
        "m": {name: Written("m", f"key {name}", tuple(said), {"temperature": 0.0}) for name, said in texts.items()},
        "elsewhere": {AR: Written("f", "key of a file", tuple(texts[AR]), {"answers": "made elsewhere"})},
    }
    judged = recipe.judged_all(demo(), asked, found, None)

    english, arabic = (recipe.as_answered(demo(), asked, found, judged, one) for one in ("en", "ar"))

    assert [one.row for one in english] == ["m"]
    assert [(one.row, one.model_key, one.decoding) for one in arabic] == [
        ("m", f"key {AR}", {"temperature": 0.0}), ("elsewhere", "key of a file", {"answers": "made elsewhere"}),
    ]  # fmt: skip
    assert all(one.rows == asked.questions.of("ar") and n_images(one.rows[0].messages) == 1 for one in arabic)
    assert {one.dataset for one in (*english, *arabic)} == {"BiMed-MBench's stand-in"}
    assert {one.judge.partition(",")[0] for one in arabic} == {"rubric"}
    assert english[0].prompt_hash != arabic[0].prompt_hash
