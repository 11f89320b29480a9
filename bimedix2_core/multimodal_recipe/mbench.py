"""BiMed-MBench as a profile names it: its questions, a model's answers, the judge, and the way round by translation."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path

import yaml

from bimedix2_core.bench import mbench
from bimedix2_core.bench.judge import ask_judge, estimate_cost
from bimedix2_core.bench.mbench import Judged, Questions
from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.demo import phrasebook
from bimedix2_core.demo.mbench_set import read_truths, write_mbench
from bimedix2_core.demo.phantoms import Truth
from bimedix2_core.demo.rubric import judged_by_rubric
from bimedix2_core.errors import DataError
from bimedix2_core.paper.answered import Answered
from bimedix2_core.params import Params, ServerParams, root
from bimedix2_core.records import LANGUAGES, Query, Row, message
from bimedix2_core.respondents import (
    AnswerFolder,
    Backend,
    Respondent,
    Written,
    answered,
    endpoint_respondent,
    judge_model,
    respondents,
    subject,
    texts_of,
)
from bimedix2_core.runs import JsonlStore, content_key

SET_OF = {"en": "bimed_mbench_en", "ar": "bimed_mbench_ar"}
"""Name of the set of a language, and of a file of answers made elsewhere."""

STAND_IN = "BiMed-MBench's stand-in"
"""What the project's own questions are called."""

TRANSLATION = "translation.yaml"

Translate = Callable[[Sequence[str]], list[str]]
"""Translates texts in one direction."""


@dataclasses.dataclass(frozen=True)
class MbenchSet:
    """The questions, their figures, and what these show where the project drew them."""

    questions: Questions
    images: ImageStore
    truths: Mapping[str, Truth]
    """By the name of the image; empty for published figures."""

    def queries(self) -> dict[str, list[Query]]:
        """What a model is asked, by the name of the set; each figure is opened once for all of its questions."""
        open_image = cache(self.images.open)
        return {
            SET_OF[language]: [mbench.query(row, open_image) for row in self.questions.of(language)]
            for language in LANGUAGES
        }


@dataclasses.dataclass(frozen=True)
class MbenchModels:
    """Who is asked for which table: the paper's one row may be an English and a bilingual checkpoint."""

    english: tuple[Respondent, ...]
    """Table 3."""
    arabic: tuple[Respondent, ...]
    """Table 4."""
    direct: tuple[Respondent, ...]
    """Table 8: asked in Arabic."""

    @property
    def rows(self) -> list[str]:
        """Ids of all rows, each once."""
        return list(dict.fromkeys(one.row for one in (*self.english, *self.arabic, *self.direct)))


@dataclasses.dataclass(frozen=True)
class Way:
    """The Arabic questions answered by way of a translation."""

    answers: tuple[mbench.TranslatedAnswer, ...]
    written: dict[str, Written]
    """The same as the answers of a model of its own."""


def mbench_models(params: Params, *, folder: Path, stage1: Path | None, stage2: Path | None) -> MbenchModels:
    """The models of a profile for Tables 3, 4 and 8; arguments as for `respondents.respondents`."""
    asked = [
        respondents(params, exhibit, folder=folder, stage1=stage1, stage2=stage2)
        for exhibit in ("table03", "table04", "table08")
    ]
    return MbenchModels(*asked)


def mbench_set(params: Params, folder: Path) -> MbenchSet:
    """The published questions of both languages, or those that the project draws in their form.

    Args:
        params: the profile.
        folder: takes the figures, and what is drawn.

    Raises:
        DataError: the files are not whole or do not belong together, or a figure is missing.
    """
    settings = params.benchmarks.bimed_mbench
    images = ImageStore(folder / "figures")
    if settings.english and settings.arabic and settings.images:
        files = {"en": root() / settings.english, "ar": root() / settings.arabic}
        return MbenchSet(mbench.read(files, images=images, image_folder=root() / settings.images), images, {})
    drawn = write_mbench(folder / "drawn", n_images=settings.n_images or 1, seed=params.run.seed)
    questions = mbench.read(
        {"en": drawn.english, "ar": drawn.arabic}, images=images, image_folder=drawn.images, allow_partial=True
    )
    rows = tuple(dataclasses.replace(row, source=STAND_IN) for row in questions.rows)
    return MbenchSet(Questions(rows, questions.audit), images, read_truths(drawn.truths))


def mbench_answers(
    models: MbenchModels, folders: Sequence[AnswerFolder], asked: MbenchSet, *, store: JsonlStore
) -> dict[str, dict[str, Written]]:
    """What each row answers in the languages that it is asked in, by row and set."""
    queries = asked.queries()
    written: dict[str, dict[str, Written]] = {}
    parts = (("en", (*models.english, *folders)), ("ar", (*models.arabic, *folders)), ("ar", models.direct))
    for language, rows in parts:
        name = SET_OF[language]
        new = [one for one in rows if name not in written.get(one.row, {})]
        for row, sets in answered(new, {name: queries[name]}, store=store).items():
            written[row] = written.get(row, {}) | sets
    return written


def cost_line(params: Params, asked: MbenchSet, written: Mapping[str, Mapping[str, Written]], folder: Path) -> str:
    """What the judge will come to, about, for the answers of all models."""
    found = params.benchmarks.bimed_mbench.judge
    if found is None:
        return "the rubric grades; it costs nothing"
    judge = mbench.PairwiseJudge(found.model, mbench.pairwise_prompts())
    pairs = [_pairs(asked, one) for one in written.values()]
    requests = [one for rows, texts in pairs for draw in _draws(params) for one in judge.requests(rows, texts, **draw)]
    return str(estimate_cost(requests, judge_model(found), folder=folder))


def mbench_judged(params: Params, asked: MbenchSet, written: Mapping[str, Written], folder: Path) -> list[Judged]:
    """One model's answers with their scores: by the profile's judge, in each order and draw, or by the rubric.

    Args:
        params: the profile.
        asked: the questions.
        written: the model's answers, by set.
        folder: keeps the verdicts, each on the disk before it is used.

    Raises:
        JudgeError: the judge cannot be reached, or its budget is spent; what was judged is kept.
    """
    rows, texts = _pairs(asked, written)
    found = params.benchmarks.bimed_mbench.judge
    if found is None:
        return judged_by_rubric(rows, texts, asked.truths)
    judge = mbench.PairwiseJudge(found.model, mbench.pairwise_prompts())
    judged = []
    for draw in _draws(params):
        verdicts = ask_judge(judge.requests(rows, texts, **draw), judge_model(found), folder=folder)
        judged += judge.judged(rows, texts, verdicts, **draw)
    return judged


def judged_all(
    params: Params, asked: MbenchSet, written: Mapping[str, Mapping[str, Written]], folder: Path
) -> dict[str, list[Judged]]:
    """Every model's answers with their scores, by row."""
    return {row: mbench_judged(params, asked, one, folder) for row, one in written.items()}


def translated_answers(
    params: Params, asked: MbenchSet, models: MbenchModels, *, store: JsonlStore, folder: Path
) -> dict[str, Way]:
    """Table 8: the Arabic questions answered by way of English, for each translator of the profile.

    Args:
        params: the profile.
        asked: the questions.
        models: one of them answers the translated questions.
        store: keeps translations and answers.
        folder: takes what endpoints answer.

    Returns:
        The ways by the id of their row, the model's and the translator's names joined; none without a translator.

    Raises:
        DataError: there is a translator, but no model to answer.
    """
    translators = params.benchmarks.bimed_mbench.translators
    if not translators:
        return {}
    model = english_model_of(params, models)
    backend, open_image = model.load(), cache(asked.images.open)
    found = {}
    for name, server in translators.items():
        to_english, to_arabic = _translators(params, name, server, store, folder)
        answers = mbench.translate_then_answer(
            asked.questions.of("ar"),
            open_image,
            to_english=to_english,
            answer=partial(texts_of, backend, store=store),
            to_arabic=to_arabic,
        )
        texts = tuple(one.answer for one in answers)
        said = f"{backend.name}, questions and answers translated by {name}"
        written = Written(said, content_key([backend.model_key, name]), texts, dict(backend.decoding))
        found[f"{model.row}_{name}"] = Way(tuple(answers), {SET_OF["ar"]: written})
    return found


def arabic_answers(written: Mapping[str, Mapping[str, Written]]) -> dict[str, tuple[str, ...]]:
    """Every row's answers to the Arabic questions."""
    return {row: sets[SET_OF["ar"]].texts for row, sets in written.items() if SET_OF["ar"] in sets}


def english_model_of(params: Params, models: MbenchModels) -> Respondent:
    """Who answers in English in Table 8: the row that says so by its name, else the last of the profile's own models.

    Raises:
        DataError: nobody is asked.
    """
    if not models.direct:
        raise DataError("Table 8 needs a model that answers in English; the profile names none for it")
    return next((model for model in models.direct if model.row.endswith("_eng")), subject(params, models.direct))


def as_answered(
    params: Params,
    asked: MbenchSet,
    written: Mapping[str, Mapping[str, Written]],
    judged: Mapping[str, Sequence[Judged]],
    language: str,
) -> list[Answered]:
    """Each model that was asked in a language, for its cells."""
    rows = asked.questions.of(language)
    prompts = content_key([row.messages[:-1] for row in rows])
    return [
        Answered(
            row,
            "BiMed-MBench" if params.benchmarks.bimed_mbench.english else STAND_IN,
            rows,
            prompts,
            sets[SET_OF[language]].model_key,
            sets[SET_OF[language]].decoding,
            judged[row][0].judge,
        )
        for row, sets in written.items()
        if SET_OF[language] in sets
    ]


def _translators(
    params: Params, name: str, server: ServerParams | None, store: JsonlStore, folder: Path
) -> tuple[Translate, Translate]:
    """Into English and into Arabic."""
    if server is None:
        return partial(phrasebook.translated, into="en"), partial(phrasebook.translated, into="ar")
    translator = endpoint_respondent(params, f"translator_{name}", server, folder).load()
    return partial(_translate, translator, store, "en"), partial(_translate, translator, store, "ar")


def _translate(translator: Backend, store: JsonlStore, into: str, texts: Sequence[str]) -> list[str]:
    """Each text in the other language."""
    queries = [
        Query(f"into {into} {number}", into, [message("user", _requests()[into].replace("{text}", text))])
        for number, text in enumerate(texts)
    ]
    return texts_of(translator, queries, store=store)


@cache
def _requests() -> dict[str, str]:
    return yaml.safe_load(Path(__file__).with_name(TRANSLATION).read_text(encoding="utf-8"))


def _pairs(asked: MbenchSet, written: Mapping[str, Written]) -> tuple[list[Row], list[str]]:
    """The questions of the sets that were answered, and the answers."""
    spoken = [language for language in LANGUAGES if SET_OF[language] in written]
    rows = [row for language in spoken for row in asked.questions.of(language)]
    return rows, [text for language in spoken for text in written[SET_OF[language]].texts]


def _draws(params: Params) -> list[dict]:
    settings = params.benchmarks.bimed_mbench
    return [{"order": order, "repeat": repeat} for order in settings.orders for repeat in range(settings.repeats)]
