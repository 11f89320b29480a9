"""The demo's Arabic agrees, says a checker that knows nothing of the grammar behind it; and it is not blind."""

import ast
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path

import arabic_agreement
import pytest
import yaml
from arabic_agreement import RULES, WORD, check, lexicon, read, word_list
from every_twin import twins_of

from bimedix2_core.demo import corpus
from bimedix2_core.demo.corpus import Twin
from bimedix2_core.demo.phantoms import all_truths
from bimedix2_core.records import LANGUAGES

SEEDS = (0, 1)
MIN_REJECTED = 0.95
MIN_REJECTED_OF_A_KIND = 0.9

# --- every rule accepts a sentence and rejects its twin, which differs in one word -----------------------------------

# Rule, right, wrong. A line before the text, if any, is what was asked.
TWINS = [
    # 1: adjective and noun, gender
    ("gender", "هذه كيسة كبدية صغيرة.", "هذه كيسة كبدية صغير."),
    ("gender", "الورم الدماغي كبير.", "الورم الدماغي كبيرة."),
    ("gender", "هذه صورة غير طبيعية.", "هذه صورة غير طبيعي."),
    ("gender", "لاحظت ورمًا صغير الحجم.", "لاحظت ورمًا صغيرة الحجم."),
    ("gender", "شرب الماء في الصباح مفيد.", "شرب الماء في الصباح مفيدة."),
    ("gender", "الراحة وكثرة شرب الماء مفيدتان.", "الراحة وكثرة شرب الماء مفيدان."),
    ("gender", "الراحة والنوم مفيدان.", "الراحة والنوم مفيدتان."),
    ("gender", "حجم الكيسة: كبير أم صغير؟", "حجم الكيسة: كبيرة أم صغير؟"),
    ("gender", "هل الكيسة كبيرة؟\nصغيرة.", "هل الكيسة كبيرة؟\nصغير."),
    # 2: adjective and noun, article
    ("definiteness", "تُظهر الصورة الطبيعية القلب.", "تُظهر الصورة طبيعية القلب."),
    ("definiteness", "توضح الصورة المقطعية ورمًا.", "توضح الصورة مقطعية ورمًا."),
    ("definiteness", "يوجد ورم دماغي.", "يوجد ورم الدماغي."),
    ("definiteness", "يوجد ألم في الجهة اليمنى.", "يوجد ألم في الجهة يمنى."),
    ("definiteness", "هذا هو التصوير المجهري.", "هذا هو تصوير المجهري."),
    ("definiteness", "ما العضو المصاب؟", "ما العضو مصاب؟"),
    ("definiteness", "الحركة الخفيفة مفيدة.", "الحركة خفيفة مفيدة."),
    ("definiteness", "هل الصورة المعروضة صورة نسيجية؟", "هل الصورة معروضة صورة نسيجية؟"),
    # 3: plurals of things
    ("things", "لا توجد تغيرات مرضية.", "لا توجد تغيرات مرضي."),
    ("things", "الأضلاع سليمة.", "الأضلاع سليم."),
    ("things", "الأضلاع سليمة.", "الأضلاع سليمان."),
    ("things", "تظهر آفات في الكبد.", "يظهر آفات في الكبد."),
    ("things", "معظم الأكياس غير ضارة.", "معظم الأكياس غير ضار."),
    # 4: verb and subject
    ("verb", "يوجد ورم في الكبد.", "توجد ورم في الكبد."),
    ("verb", "توجد في الصورة عقيدة.", "يوجد في الصورة عقيدة."),
    ("verb", "تظهر كيسة كبدية.", "يظهر كيسة كبدية."),
    ("verb", "لوحظت حصاة كلوية.", "لوحظ حصاة كلوية."),
    ("verb", "الورم ليس على اليسار.", "الورم ليست على اليسار."),
    ("verb", "الحصاة الكلوية صغيرة وتقع على اليمين.", "الحصاة الكلوية صغيرة ويقع على اليمين."),
    ("verb", "أين يقع الطحال؟", "أين تقع الطحال؟"),
    ("verb", "تُظهر الصورة ورمًا.", "يُظهر الصورة ورمًا."),
    ("verb", "شرب الماء يساعد على الوقاية.", "شرب الماء تساعد على الوقاية."),
    ("verb", "متى بدأ الصداع؟", "متى بدأت الصداع؟"),
    ("verb", "ماذا يعني ذلك؟", "ماذا تعني ذلك؟"),
    # 5: demonstratives, pronouns, relative words
    ("pointing", "هذا ورم صغير.", "هذه ورم صغير."),
    ("pointing", "صف هذه الصورة.", "صف هذا الصورة."),
    ("pointing", "ما نوع هذه الصورة؟", "ما نوع هذا الصورة؟"),
    ("pointing", "الجهة المصابة هي اليسرى.", "الجهة المصابة هو اليسرى."),
    ("pointing", "العقيدة على اليسار، وهي صغيرة.", "العقيدة على اليسار، وهو صغيرة."),
    ("pointing", "كيسة كبدية. هل هي في الكبد؟", "كيسة كبدية. هل هو في الكبد؟"),
    ("pointing", "كان الورم على اليمين لكنه في الكبد.", "كان الورم على اليمين لكنها في الكبد."),
    ("pointing", "ما التقنية التي أُنجزت بها هذه الصورة؟", "ما التقنية الذي أُنجزت بها هذه الصورة؟"),
    ("pointing", "ما الذي يظهر هنا؟", "ما التي يظهر هنا؟"),
    # 6: compounds
    ("idafa", "ما حجم الورم؟", "ما الحجم الورم؟"),
    ("idafa", "تقع الكيسة في خلايا الكبد.", "تقع الكيسة في الخلايا الكبد."),
    ("idafa", "لاحظت تضخم القلب.", "لاحظت تضخمًا القلب."),
    ("idafa", "ضعف في أحد جانبي الجسم.", "ضعف في أحد جانبين الجسم."),
    ("idafa", "ضعف في الجانبين.", "ضعف في جانبي."),
    # 7: duals and plurals of people
    ("dual_case", "يوجد ألم في الرئتين.", "يوجد ألم في الرئتان."),
    ("dual_case", "تُظهر الصورة الرئتين.", "تُظهر الصورة الرئتان."),
    ("dual_case", "الرئتان في الصدر.", "الرئتين في الصدر."),
    ("dual_case", "الراحة والنوم مفيدان.", "الراحة والنوم مفيدين."),
    ("dual_case", "يجب أن يضع المختصون خطة.", "يجب أن يضع المختصين خطة."),
    ("dual_case", "ما وظيفة الكليتين؟", "ما وظيفة الكليتان؟"),
    # 8: the accusative that shows
    ("accusative", "تُظهر الصورة ورمًا كبيرًا.", "تُظهر الصورة ورمًا كبير."),
    ("accusative", "أرى ورمًا في الكبد.", "أرى ورم في الكبد."),
    ("accusative", "يوجد ورم كبير.", "يوجد ورمًا كبير."),
    ("accusative", "الورم ليس صغيرًا بل كبير.", "الورم ليس صغير بل كبير."),
    ("accusative", "الورم ليس صغيرًا بل كبير.", "الورم ليس صغيرًا بل كبيرًا."),
    ("accusative", "هل يبدو الورم كبيرًا؟", "هل يبدو الورم كبير؟"),
    ("accusative", "هل تعد الورم كبيرًا أم صغيرًا؟", "هل تعد الورم كبيرًا أم صغير؟"),
    ("accusative", "كان الورم متوقعًا على اليمين.", "كان الورم متوقع على اليمين."),
    ("accusative", "أعاني من ألم شديد.", "أعاني من ألمًا شديد."),
    ("accusative", "لا أرى شيئًا غير طبيعي.", "لا أرى شيء غير طبيعي."),
    ("accusative", "ماذا ترى؟\nورمًا كبيرًا.", "ماذا ترى؟\nورمًا كبير."),
    ("accusative", "ما نوع الورم؟\nورم كبير.", "ما نوع الورم؟\nورمًا كبير."),
    # 9: sides
    ("side", "الجهة اليسرى سليمة.", "الجهة الأيسر سليمة."),
    ("side", "الورم في الجانب الأيسر.", "الورم في الجانب اليسرى."),
    ("side", "يوجد ورم في الرئة اليمنى.", "يوجد ورم في الرئة الأيمن."),
    ("side", "يوجد ورم في نصف الكرة المخية الأيمن.", "يوجد ورم في نصف الكرة المخية اليمنى."),
    ("side", "الورم على اليسار.", "الورم على الأيسر."),
    ("side", "الورم في الجهة اليسرى.", "الورم في الجهة اليسار."),
    ("side", "ورم دماغي أيسر.", "ورم دماغي يسرى."),
    ("side", "الجهة المصابة هي اليسرى.", "الجهة المصابة هي الأيسر."),
    # 10: questions
    ("question", "هل يقع الورم على اليسار؟", "هل يقع الورم على اليسار."),
    ("question", "الورم على اليسار.", "الورم على اليسار؟"),
    ("question", "هل الورم كبير؟", "الورم هل كبير؟"),
    ("question", "هل يقع الورم في الكبد؟", "هل الورم يقع في الكبد؟"),
    ("question", "ما نوع الصورة؟", "ماذا نوع الصورة؟"),
    ("question", "ما نوع الصورة؟", "ما نوع صورة؟"),
    ("question", "ماذا تُظهر الصورة؟", "ما تُظهر الصورة؟"),
    ("question", "في أي جهة يقع الورم؟", "في أي الجهة يقع الورم؟"),
    # 10: punctuation
    ("punctuation", "هل الورم كبير؟", "هل الورم كبير?"),
    ("punctuation", "نعم، الورم كبير.", "نعم, الورم كبير."),
    ("punctuation", "الورم كبير؛ هو في الكبد.", "الورم كبير; هو في الكبد."),
    ("punctuation", "نعم، الورم كبير.", "نعم ، الورم كبير."),
    ("punctuation", "الورم كبير. الطحال سليم.", "الورم كبير.الطحال سليم."),
    # 11: spelling
    ("spelling", "أين الورم؟", "اين الورم؟"),
    ("spelling", "يحتاج إلى الراحة.", "يحتاج الى الراحة."),
    ("spelling", "الصورة طبيعية.", "الصوره طبيعية."),
    ("spelling", "العقيدة في الرئة اليسرى.", "العقيدة في الرئة اليسري."),
    ("spelling", "الورم على اليسار.", "الورم علي اليسار."),
    ("spelling", "هل لدى المريض ورم؟", "هل لدي المريض ورم؟"),
    ("spelling", "يجب أن يحدد الطبيب السبب.", "يجب إن يحدد الطبيب السبب."),
    ("spelling", "تُظهر الصورة شيئًا.", "تُظهر الصورة شيءًا."),
    ("spelling", "يوجد التهاب.", "يوجد إلتهاب."),
]


def spoken(text: str) -> tuple[str, str]:
    """A text and what was asked before it."""
    asked, _, answer = text.rpartition("\n")
    return answer, asked


def differing_words(right: str, wrong: str) -> int:
    """How many words and marks of the right sentence the wrong one changes, moves or joins."""
    blocks = SequenceMatcher(None, re.findall(r"[\u0621-\u0652]+|.", right), re.findall(r"[\u0621-\u0652]+|.", wrong))
    return sum(1 for tag, *_ in blocks.get_opcodes() if tag != "equal")


IDS = [f"{rule}-{number}" for number, (rule, _, _) in enumerate(TWINS)]


@pytest.mark.parametrize(("rule", "right", "wrong"), TWINS, ids=IDS)
def test_a_right_sentence_passes_and_its_wrong_twin_is_rejected_by_the_rule_itself(rule, right, wrong):
    assert check(*spoken(right)) == []
    assert RULES[rule](read(*spoken(wrong))), f"{rule} accepts {wrong}"


def test_a_wrong_twin_differs_in_one_place():
    moved = ("هل الورم كبير؟", "الورم هل كبير؟")
    several = [(right, wrong) for _, right, wrong in TWINS if differing_words(right, wrong) != 1]
    assert [pair for pair in several if pair not in (moved, ("هل يقع الورم في الكبد؟", "هل الورم يقع في الكبد؟"))] == []


def test_every_rule_has_its_twins():
    assert {rule for rule, _, _ in TWINS} == set(RULES)


# --- independence ----------------------------------------------------------------------------------------------------


def test_the_checker_imports_nothing_but_the_standard_library():
    tree = ast.parse(Path(arabic_agreement.__file__).read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


def test_its_lexicon_is_yaml_and_lists_no_word_twice_under_one_name():
    text = Path(arabic_agreement.__file__).with_name("arabic_lexicon.yaml").read_text(encoding="utf-8")
    assert {name: tuple(words.split()) for name, words in yaml.safe_load(text).items()} == word_list()
    for name, words in word_list().items():
        assert [word for word, count in Counter(words).items() if count > 1] == [], name


# --- the whole corpus ------------------------------------------------------------------------------------------------


def fact_and_complaint_twins() -> Iterator[Twin]:
    """Enough draws to meet every fact and complaint."""
    rng = random.Random(7)
    for held_out in (False, True):
        for _ in range(500):
            yield corpus.fact(rng, held_out=held_out)
            yield corpus.follow_up(rng, complete=rng.random() < 0.5, held_out=held_out)


@cache
def spoken_texts() -> tuple[tuple[str, str], ...]:
    """Every Arabic text of the corpus with what was said before it; the Arabic in English turns of translations too."""
    found = set()
    drawn = [
        twin
        for truth in all_truths()
        for seed in SEEDS
        for held_out in (False, True)
        for twin in twins_of(truth, seed, held_out=held_out)
    ]
    for twin in [*drawn, *fact_and_complaint_twins()]:
        for language in LANGUAGES if twin.task == "parallel_sentence" else ("ar",):
            said: list[str] = []
            for text in (text for turn in twin.turns[language] for text in turn):
                if WORD.search(text):
                    found.add((text, "\n".join(said)))
                said.append(text)
    return tuple(sorted(found))


def test_every_arabic_text_of_the_corpus_agrees_and_has_no_unknown_word():
    texts = spoken_texts()
    assert len(texts) > 3000

    wrong = [(violation, text) for text, asked in texts for violation in check(text, asked)]

    assert not wrong, "\n".join(f"{violation} in {text!r}" for violation, text in wrong[:20])


def test_the_corpus_gives_every_rule_something_to_judge():
    judged = Counter(relation.kind for text, asked in spoken_texts()[::4] for relation in read(text, asked).relations)

    for kind in ("attribute", "predicate", "subject", "demonstrative", "pronoun", "idafa", "governed", "nominative"):
        assert judged[kind] > 50, kind
    assert judged["accusative"] > 100


# --- mutations: the corpus with one word spoilt ----------------------------------------------------------------------

Spoil = Callable[[str, str, str], str | None]
"""A word, the one before and the one after it (empty across a mark), to a wrong form; None where it does not apply."""

SIDES = {"أيسر": "يسرى", "أيمن": "يمنى", "الأيسر": "اليسرى", "الأيمن": "اليمنى"}
POINTERS = {"هذا": "هذه", "هو": "هي", "الذي": "التي"}
VERBS = {"يوجد": "توجد", "يظهر": "تظهر", "يقع": "تقع", "لوحظ": "لوحظت", "ليس": "ليست", "كان": "كانت", "بدأ": "بدأت"}


def both_ways(pairs: dict[str, str]) -> dict[str, str]:
    return pairs | {second: first for first, second in pairs.items()}


def is_only(word: str, pos: str) -> bool:
    readings = lexicon().get(word, ())
    return bool(readings) and all(reading.pos == pos for reading in readings)


def other_gender(word: str, before: str, after: str) -> str | None:
    if not is_only(word, "adj"):
        return None
    if word.endswith("ة"):
        return word[:-1] if word[:-1] in lexicon() else None
    feminine = word.removesuffix("ًا") + "ة"
    return feminine if feminine in lexicon() else None


def no_article_on_the_adjective(word: str, before: str, after: str) -> str | None:
    return word[2:] if word.startswith("ال") and is_only(word, "adj") and is_only(before, "noun") else None


def article_on_the_attribute(word: str, before: str, after: str) -> str | None:
    attribute = is_only(word, "adj") and is_only(before, "noun") and not (word + before).startswith("ال")
    governs = after in ("الحجم", "الجانب")
    if not attribute or governs or before.startswith("ال") or word.endswith("ًا"):
        return None
    return f"ال{word}"


def no_article_on_the_noun(word: str, before: str, after: str) -> str | None:
    applies = word.startswith("ال") and is_only(word, "noun") and after.startswith("ال") and is_only(after, "adj")
    return word[2:] if applies and word[2:] in lexicon() else None


def article_on_the_first_noun(word: str, before: str, after: str) -> str | None:
    applies = is_only(word, "noun") and not word.startswith("ال") and after.startswith("ال") and is_only(after, "noun")
    return f"ال{word}" if applies else None


def no_tanwin(word: str, before: str, after: str) -> str | None:
    return word[:-2] if word.endswith("ًا") and not is_only(word, "adverb") else None


def tanwin(word: str, before: str, after: str) -> str | None:
    marked = arabic_agreement.with_tanwin(word)
    return marked if is_only(word, "noun") and marked != word and marked in lexicon() else None


def other_dual(word: str, before: str, after: str) -> str | None:
    if not any(reading.number == "d" for reading in lexicon().get(word, ())):
        return None
    return {"ين": word[:-2] + "ان", "ان": word[:-2] + "ين"}.get(word[-2:])


def swapped(pairs: dict[str, str]) -> Spoil:
    both = both_ways(pairs)
    return lambda word, before, after: both.get(word)


MUTATIONS: dict[str, Spoil] = {
    "other gender": other_gender,
    "other gender of the side": swapped(SIDES),
    "other gender of the verb": swapped(VERBS),
    "other gender of the pointer": swapped(POINTERS),
    "no article on the adjective": no_article_on_the_adjective,
    "article on the attribute": article_on_the_attribute,
    "no article on the noun": no_article_on_the_noun,
    "article on the first noun of a compound": article_on_the_first_noun,
    "no tanwin": no_tanwin,
    "tanwin": tanwin,
    "other case of the dual": other_dual,
    "ha for ta": lambda word, before, after: word[:-1] + "ه" if word.endswith("ة") else None,
    "ya for alif": lambda word, before, after: word[:-1] + "ي" if word.endswith("ى") else None,
    "no hamza": lambda word, before, after: "ا" + word[1:] if word[0] in "أإ" else None,
}


def neighbour(words: list[re.Match], at: int, step: int) -> str:
    """The word before or after, empty where more than a space lies between."""
    if not 0 <= at + step < len(words):
        return ""
    first, second = sorted((words[at], words[at + step]), key=lambda match: match.start())
    return words[at + step].group() if second.start() == first.end() + 1 else ""


def mutants(spoil: Spoil, rng: random.Random, count: int) -> Iterator[tuple[str, str]]:
    """Texts of the corpus in which one word is spoilt, with what was said before."""
    texts = [pair for pair in spoken_texts() if not re.search("[a-z]", pair[0])]
    rng.shuffle(texts)
    for text, asked in texts:
        words = list(WORD.finditer(text))
        wrong = [
            (match, changed)
            for at, match in enumerate(words)
            if (changed := spoil(match.group(), neighbour(words, at, -1), neighbour(words, at, 1)))
        ]
        if wrong and count:
            match, changed = rng.choice(wrong)
            count -= 1
            yield text[: match.start()] + changed + text[match.end() :], asked


def test_nearly_all_spoilt_sentences_are_rejected():
    rng = random.Random(0)
    tried, rejected, accepted = Counter(), Counter(), []
    for name, spoil in MUTATIONS.items():
        for text, asked in mutants(spoil, rng, count=150):
            tried[name] += 1
            rejected[name] += bool(check(text, asked))
            if not check(text, asked):
                accepted.append(f"{name}: {text}")

    assert set(tried) == set(MUTATIONS), "a mutation that applies nowhere tests nothing"
    message = "\n".join(accepted[:20])
    assert rejected.total() >= MIN_REJECTED * tried.total(), message
    for name in MUTATIONS:
        assert rejected[name] >= MIN_REJECTED_OF_A_KIND * tried[name], f"{name}: {rejected[name]} of {tried[name]}"
