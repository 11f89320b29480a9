"""Checks agreement in Modern Standard Arabic: a second opinion on the demo's corpus.

    text -> words (readings of arabic_lexicon.yaml) -> phrases -> relations -> rules -> violations

It sees nothing but finished text: not the grammar that wrote it, and neither its words nor its templates. The parser
is shallow. It finds noun phrases and who depends on whom, in the reading that fits best; each rule then judges
relations of one sort. Where a text without vowels has a grammatical reading, that reading counts, however unlikely.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import pairwise
from pathlib import Path

ARTICLE = "ال"
TA = "ة"
NOT = "غير"
WHICH = "أي"
VOCATIVE = "يا"
TANWIN = "\u064b"
WORD = re.compile(r"[\u0621-\u0652]+")
ENGLISH = re.compile(r"[A-Za-z][A-Za-z0-9 ,;:?'\-]*(?:\.(?: (?=[A-Z])[A-Za-z0-9 ,;:?'\-]*)?)*")
OPTION = re.compile(r"^[A-D](?:\. |$)", re.MULTILINE)
CLAUSE = re.compile(r"([^.؟؛،:\n]*)([.؟؛،:\n]|$)")
STRAY = re.compile(r"[^\u0621-\u0652 \n.:،؛؟]| (?=[.:،؛؟])|  |[.،؛؟](?=[^\s])")
OPENING_QUESTIONS = ("هل", "ماذا", "أين", "متى", "كيف", "كم", "ألا")
RESPECTS = {"حجم": None, "جانب": ("أحادي", "ثنائي")}
"""Nouns that say in which respect an adjective holds (small of size), and the adjectives they follow."""


@dataclass(frozen=True)
class Violation:
    """A rule, the words that break it and why."""

    rule: str
    span: str
    reason: str


# --- words -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reading:
    """One way to read a form. `case` holds the cases the spelling allows: n, a, g."""

    pos: str
    lemma: str
    gender: str = ""
    number: str = "s"
    case: str = "nag"
    definite: bool = False
    construct: bool = True
    tags: frozenset[str] = frozenset()

    @property
    def concord(self) -> str:
        """What agrees with it: m, f, x (both); md, fd for a dual; mp for people."""
        if "plural_things" in self.tags:
            return "f"
        return self.gender + (self.number if self.number in ("d", "p") else "")


SUBSTANTIVE = Reading("noun", "", "m", definite=True, construct=False, tags=frozenset({"substantive"}))
"""An adjective with the article that stands for a noun."""


@dataclass(frozen=True)
class Word:
    """A word of the text, without what is written together with it; `conj`: with وَ or فَ before it."""

    form: str
    readings: tuple[Reading, ...]
    conj: bool = False

    def reading(self, pos: str) -> Reading | None:
        """Its reading as a part of speech."""
        return next((reading for reading in self.readings if reading.pos == pos), None)

    @property
    def noun(self) -> Reading | None:
        """Its reading as a noun."""
        return self.reading("noun")

    @property
    def adj(self) -> Reading | None:
        """Its reading as an adjective."""
        return self.reading("adj")

    @property
    def verb(self) -> Reading | None:
        """Its reading as a verb."""
        return self.reading("verb")

    def has(self, tag: str) -> bool:
        """Whether any reading carries the tag."""
        return any(tag in reading.tags for reading in self.readings)


def with_tanwin(stem: str) -> str:
    """The indefinite accusative as it is spelt: ة, ى and feminine plurals show nothing, a hamza after alif no alif."""
    if stem.endswith((TA, "ى", "ات", "ايا")):
        return stem
    if stem.endswith("يء"):
        return stem[:-1] + "ئ" + TANWIN + "ا"
    return stem + TANWIN + ("" if stem.endswith(("اء", "أ")) else "ا")


@cache
def word_list() -> dict[str, tuple[str, ...]]:
    """The lists of arabic_lexicon.yaml, which needs no parser: a name, then indented lines of words."""
    lists: dict[str, list[str]] = {}
    for line in Path(__file__).with_name("arabic_lexicon.yaml").read_text(encoding="utf-8").splitlines():
        if line.startswith("  "):
            lists[name] += line.split()  # noqa: F821
        elif line and not line.startswith("#"):
            name = line.split(":")[0]
            lists[name] = []
    return {name: tuple(words) for name, words in lists.items()}


@cache
def lexicon() -> dict[str, tuple[Reading, ...]]:
    """Every form that may be written alone, and its readings."""
    forms: dict[str, list[Reading]] = {}
    for form, reading in (*_nouns(), *_adjectives(), *_verbs(), *_particles()):
        if reading not in forms.setdefault(form, []):
            forms[form].append(reading)
    for form in word_list()["adverb"]:
        forms[form] = [Reading("adverb", form)]
    return {form: tuple(readings) for form, readings in forms.items()}


def _declined(stem: str, pos: str, gender: str, tags: frozenset[str]) -> Iterator[tuple[str, Reading]]:
    """A singular, or a plural of things: bare, with tanwin, with the article."""
    accusative = with_tanwin(stem)
    plain = "nag" if accusative == stem or "diptote" in tags else "ng"
    yield stem, Reading(pos, stem, gender, case=plain, tags=tags)
    if plain == "ng":
        yield accusative, Reading(pos, stem, gender, case="a", construct=False, tags=tags)
    yield ARTICLE + stem, Reading(pos, stem, gender, definite=True, construct=False, tags=tags)


def _dual(stem: str, pos: str, gender: str) -> Iterator[tuple[str, Reading]]:
    base = stem[:-1] + "ت" if stem.endswith(TA) else stem
    for long, short, case in (("ان", "ا", "n"), ("ين", "ي", "ag")):
        yield base + long, Reading(pos, stem, gender, "d", case, construct=False)
        yield ARTICLE + base + long, Reading(pos, stem, gender, "d", case, definite=True, construct=False)
        if pos == "noun":
            yield base + short, Reading(pos, stem, gender, "d", case, tags=frozenset({"must_govern"}))


def _nouns() -> Iterator[tuple[str, Reading]]:
    words = word_list()
    for name, gender in (("noun_m", "m"), ("noun_f", "f"), ("plural_things", "f"), ("person_m", "m")):
        for stem in words[name]:
            broken = name == "plural_things" and re.fullmatch("..ا..", stem)
            yield from _declined(stem, "noun", gender, frozenset({name} | ({"diptote"} if broken else set())))
    for stem in words["dual"]:
        yield from _dual(stem, "noun", "f" if stem.endswith(TA) else "m")
    for stem in words["plural_people"]:
        for ending, case in (("ون", "n"), ("ين", "ag")):
            for article in ("", ARTICLE):
                reading = Reading("noun", stem, "m", "p", case, definite=bool(article), construct=False)
                yield article + stem + ending, reading
    for name in ("suffixed_m", "suffixed_f"):
        for form in words[name]:
            yield form, Reading("noun", form, name[-1], definite=True, construct=False, tags=frozenset({"suffixed"}))
    for form in words["quantifier"]:
        yield form, Reading("noun", form, "m", tags=frozenset({"quantifier", "must_govern"}))
    for form in words["elative"]:
        yield form, Reading("noun", form, "x", tags=frozenset({"elative"}))
    for stem in words["substantive"]:
        yield ARTICLE + stem, replace(SUBSTANTIVE, lemma=stem)
    for form in ("العربية", "الإنجليزية"):
        yield form, replace(SUBSTANTIVE, lemma=form, gender="f")


def _adjectives() -> Iterator[tuple[str, Reading]]:
    words = word_list()
    for name in ("adjective", "classifying"):
        for stem in words[name]:
            tags = frozenset({name})
            yield from _declined(stem, "adj", "m", tags)
            yield from _declined(stem + TA, "adj", "f", tags)
            yield from _dual(stem, "adj", "m")
            yield from _dual(stem + TA, "adj", "f")
    for pair in words["diptote"]:
        masculine, feminine = pair.split("/")
        tags = frozenset({"diptote"} | ({"side"} if masculine in ("أيسر", "أيمن") else set()))
        yield from _declined(masculine, "adj", "m", tags)
        yield from _declined(feminine, "adj", "f", tags)
    for form in words["elative"]:
        for article in ("", ARTICLE):
            yield article + form, Reading("adj", form, "x", definite=bool(article), tags=frozenset({"elative"}))


def _verbs() -> Iterator[tuple[str, Reading]]:
    words = word_list()
    for name in ("verb", "verb_transitive", "verb_suffixed", "copula"):
        for pair in words[name]:
            for form, gender in zip(pair.split("/"), "mf", strict=True):
                yield form, Reading("verb", pair, gender, tags=frozenset({name}))
    for name in ("impersonal", "verb_speaker", "verb_speaker_transitive", "verb_deeming"):
        for form in words[name]:
            tags = {name, "speaker"} if name.startswith("verb") else {name}
            yield form, Reading("verb", form, "x", tags=frozenset(tags))


def _particles() -> Iterator[tuple[str, Reading]]:
    words = word_list()
    for name in ("preposition", "preposition_with_pronoun", "subordinator", "question", "conjunction", "negation"):
        for form in words[name]:
            yield form, Reading(name, form)
    for form in words["particle"]:
        yield form, Reading("adverb", form)
    yield NOT, Reading("not", NOT)
    for form, gender in (("هو", "m"), ("هي", "f"), ("لكنه", "m"), ("لكنها", "f")):
        yield form, Reading("pronoun", form, gender)
    for form in ("أنا", "أنت"):
        yield form, Reading("speaker", form, "x")
    for form, gender in (("هذا", "m"), ("هذه", "f"), ("ذلك", "m"), ("تلك", "f")):
        yield form, Reading("demonstrative", form, gender)
    for form, gender in (("الذي", "m"), ("التي", "f")):
        yield form, Reading("relative", form, gender)


@cache
def read_word(form: str) -> tuple[Word, ...]:
    """A written word as one or more words: conjunction, preposition and article are written together with a noun."""
    known = lexicon()
    if form in known:
        return (Word(form, known[form]),)
    if form[0] in "وف" and len(form) > 2:
        rest = read_word(form[1:])
        if rest[0].readings:
            return (Word(rest[0].form, rest[0].readings, conj=True), *rest[1:])
    if form[0] in "بلك" and len(form) > 2:
        rest = ARTICLE + form[2:] if form.startswith("لل") else form[1:]
        readings = known.get(rest, ())
        if readings and not (form.startswith("ل" + ARTICLE)):
            return (Word(form[0], (Reading("preposition", form[0]),)), Word(rest, readings))
    return (Word(form, ()),)


# --- phrases ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Adjective:
    """An adjective with what belongs to it: غير before it, or the noun that says in which respect it holds."""

    word: Word
    negated: bool = False
    respect: bool = False

    @property
    def concord(self) -> str:
        """Gender and number."""
        return self.word.adj.concord

    @property
    def case(self) -> str:
        """The cases it can stand in; hidden where it governs, or is governed by غير."""
        return "nag" if self.negated or self.respect else self.word.adj.case

    @property
    def classifying(self) -> bool:
        """Whether it can only stand beside its noun."""
        return self.word.has("classifying") or self.word.has("side")


@dataclass
class Phrase:
    """A part of a clause: np, pp (with `preposition`), adj, verb, pronoun, demonstrative, relative, and particles."""

    kind: str
    words: list[Word]
    nouns: list[Word] = field(default_factory=list)
    adjectives: list[Adjective] = field(default_factory=list)
    pointed: list[tuple[Word, Word]] = field(default_factory=list)
    preposition: Word | None = None
    conj: bool = False
    concords: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Its words."""
        return " ".join(word.form for word in self.words)

    @property
    def definite(self) -> bool:
        """Whether its last noun, and so the whole chain, is definite."""
        return bool(self.nouns) and self.nouns[-1].noun.definite

    @property
    def head(self) -> Word:
        """The noun that agreement looks at: behind a quantifier what it governs."""
        heads = [noun for noun in self.nouns if "quantifier" not in noun.noun.tags]
        return heads[0] if heads else self.nouns[0]

    @property
    def concord(self) -> str:
        """Gender and number of what agrees with it; several nouns joined by وَ make a dual."""
        if len(self.concords) > 1:
            return "fd" if set(self.concords) == {"f"} else "md"
        return self.head.noun.concord

    @property
    def case(self) -> str:
        """The cases its first noun can stand in."""
        first = self.nouns[0].noun
        return "nag" if len(self.nouns) > 1 and first.number == "s" and first.case != "a" else first.case


def agree(one: str, other: str) -> bool:
    """Whether two concords fit; x fits both genders."""
    return one == other or (one[:1] == "x" and one[1:] == other[1:]) or (other[:1] == "x" and other[1:] == one[1:])


class Chunker:
    """Cuts the words of a clause into phrases."""

    def __init__(self, words: list[Word]):
        self.words = words
        self.at = 0
        self.phrases: list[Phrase] = []

    def run(self) -> list[Phrase]:
        """The phrases from left to right."""
        while self.at < len(self.words):
            self.phrases.append(self._next())
        return self.phrases

    def _peek(self, ahead: int = 0) -> Word:
        where = self.at + ahead
        return self.words[where] if where < len(self.words) else Word("", ())

    def _next(self) -> Phrase:
        word = self._peek()
        if word.form == WHICH and (self._peek(1).reading("preposition") or self._peek(1).reading("subordinator")):
            return self._single("question" if self._peek(1).reading("subordinator") else "adverb")
        for kind in ("relative", "pronoun", "question", "subordinator", "conjunction", "negation", "speaker"):
            if word.reading(kind):
                return self._single(kind)
        if word.reading("preposition"):
            return self._prepositional()
        if word.verb and not (
            word.noun and self._peek(1).noun and not agree(word.verb.gender, self._peek(1).noun.concord)
        ):
            return self._single("verb")
        if word.reading("demonstrative"):
            following = self._peek(1).noun
            if following and following.definite and not self._peek(1).conj and "suffixed" not in following.tags:
                return self._nominal()
            return self._single("demonstrative")
        if (word.form == NOT and self._peek(1).adj) or (word.adj and not self._is_noun_here(word)):
            adjective = self._adjective()
            return Phrase("adj", [adjective.word], adjectives=[adjective], conj=word.conj)
        if word.noun:
            return self._nominal()
        return self._single("adverb")

    def _single(self, kind: str) -> Phrase:
        word = self._peek()
        self.at += 1
        return Phrase(kind, [word], conj=word.conj)

    def _is_noun_here(self, word: Word) -> bool:
        """Whether a form that is a noun and an adjective begins a noun phrase."""
        if not word.noun:
            return False
        if word.noun.tags & {"substantive"}:
            return bool(self.phrases) and self.phrases[-1].kind == "preposition"
        if "elative" in word.noun.tags:
            return self._peek(1).noun is not None
        return True

    def _prepositional(self) -> Phrase:
        preposition = self._peek()
        self.at += 1
        word = self._peek()
        starts = word.noun or (word.reading("demonstrative") and self._peek(1).noun and self._peek(1).noun.definite)
        if word.conj or not starts:
            return Phrase("preposition", [preposition], preposition=preposition, conj=preposition.conj)
        phrase = self._nominal()
        phrase.kind, phrase.preposition, phrase.conj = "pp", preposition, preposition.conj
        return phrase

    def _nominal(self) -> Phrase:
        begin = self.at
        conj = self._peek().conj
        demonstrative = None
        if self._peek().reading("demonstrative"):
            demonstrative = self._peek()
            self.at += 1
        nouns = [self._peek()]
        self.at += 1
        pointed = [(demonstrative, nouns[0])] if demonstrative else []
        while self._continues(nouns[-1]) or self._continues_pointing(nouns[-1]):
            if self._peek().reading("demonstrative"):
                pointed.append((self._peek(), self._peek(1)))
                self.at += 1
            nouns.append(self._peek())
            self.at += 1
        adjectives = []
        while self._at_adjective():
            adjectives.append(self._adjective())
        kind = "adverb" if _is_adverbial(nouns[0], pointed, self.phrases) else "np"
        if self.phrases and self.phrases[-1].text == VOCATIVE:
            kind = "adverb"
        phrase = Phrase(kind, self.words[begin : self.at], nouns, adjectives, pointed, conj=conj)
        phrase.concords = [phrase.head.noun.concord]
        return phrase

    def _continues(self, last: Word) -> bool:
        """Whether the next word is governed by the noun before it."""
        word = self._peek()
        if word.conj or not word.noun or last.noun.definite:
            return False
        if "substantive" in word.noun.tags:
            return last.form == "عكس"
        if word.adj:
            return word.noun.definite or ("elative" in word.noun.tags and self._peek(1).noun is not None)
        return not word.verb or word.noun.definite

    def _continues_pointing(self, last: Word) -> bool:
        """Whether a demonstrative with its noun is governed by the noun before it."""
        word, noun = self._peek(), self._peek(1).noun
        points = word.reading("demonstrative") and not word.conj and noun and self._peek(1).form.startswith(ARTICLE)
        return bool(points) and not last.noun.definite

    def _at_adjective(self) -> bool:
        word = self._peek()
        if word.conj:
            return False
        if word.form == NOT:
            return self._peek(1).adj is not None
        return word.adj is not None

    def _adjective(self) -> Adjective:
        negated = self._peek().form == NOT
        self.at += negated
        word = self._peek()
        self.at += 1
        following = self._peek().noun
        respect = False
        if word.adj and not word.adj.definite and following and following.definite and following.lemma in RESPECTS:
            allowed = RESPECTS[following.lemma]
            respect = allowed is None or word.adj.lemma.removesuffix(TA) in allowed
        self.at += respect
        return Adjective(word, negated, respect)


def _is_adverbial(noun: Word, pointed: list[tuple[Word, Word]], before: list[Phrase]) -> bool:
    """Whether a noun phrase says when (this morning, once), or in what one thing is more than others (more common)."""
    more = bool(before and before[-1].adjectives and before[-1].adjectives[-1].word.has("elative"))
    when = noun.noun.lemma in word_list()["time"]
    return (when and (bool(pointed) or not noun.noun.definite)) or (more and noun.form.endswith(with_tanwin("")))


# --- relations -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Site:
    """One side of a relation: its words and what they show."""

    text: str
    concord: str = ""
    definite: bool = False
    case: str = "nag"
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Relation:
    """Two sites that must fit; `kind` says how: attribute, predicate, subject, object, governed, ..."""

    kind: str
    of: Site
    on: Site = Site("")

    @property
    def span(self) -> str:
        """The words concerned."""
        return f"{self.of.text} {self.on.text}".strip()


def _site(thing: Phrase | Word | Adjective, *, first: bool = False) -> Site:
    """What a phrase, a noun (with `first`, a phrase's first noun), or an adjective shows."""
    if isinstance(thing, Adjective):
        word = thing.word
        tags = word.adj.tags | ({"classifying"} if thing.classifying else set())
        return Site(word.form, thing.concord, word.adj.definite, thing.case, tags | {word.adj.lemma})
    if isinstance(thing, Word):
        noun = thing.noun or thing.readings[0]
        return Site(thing.form, noun.concord, noun.definite, noun.case, noun.tags | {noun.lemma})
    if not thing.nouns:
        reading = thing.words[0].readings[0]
        return Site(thing.text, reading.gender, definite=True, tags=reading.tags)
    concord = thing.concords[0] if first else thing.concord
    return Site(thing.text, concord, thing.definite, thing.case, thing.head.noun.tags | {thing.head.noun.lemma})


@dataclass
class Parse:
    """A text read: its words, relations, and sentences (phrases of each clause, and the mark at the end)."""

    text: str
    unknown: list[str] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)
    sentences: list[tuple[list[list[Phrase]], str]] = field(default_factory=list)

    def of_kind(self, *kinds: str) -> list[Relation]:
        """The relations of these kinds."""
        return [relation for relation in self.relations if relation.kind in kinds]


class Reader:
    """Reads clauses one after the other and notes the relations; what was spoken of last is remembered."""

    def __init__(self, parse: Parse):
        self.parse = parse
        self.carried: Phrase | None = None
        self.mentioned: list[Phrase] = []
        self.heard: list[Phrase] = []
        self.listening = False
        self.fragment_case = "n"
        self.is_fragment = self.asks_what = self.has_predicate = False
        self.topic: Phrase | None = None
        self.verb: Phrase | None = None

    def clause(self, phrases: list[Phrase]) -> None:
        """Read one clause."""
        _join_coordinated(phrases)
        for phrase in phrases:
            self._inside(phrase)
        self._adjacent(phrases)
        nouns = [phrase for phrase in phrases if phrase.kind == "np"]
        self.is_fragment = phrases[0].kind in ("adj", "conjunction")
        self.asks_what = phrases[0].words[0].form == "ما"
        clause_topic = None
        for index, segment in enumerate(_segments(phrases)):
            self.topic, self.verb, self.has_predicate = (clause_topic if index else None), None, False
            if segment[0].kind in ("subordinator",):
                self.topic = None
            self._segment(segment, phrases)
            clause_topic = self.topic or clause_topic
        if clause_topic:
            self.carried = clause_topic
        if nouns:
            self.mentioned = [*self.mentioned, *nouns] if self.listening else nouns
        self.heard += [phrase for phrase in phrases if phrase.kind in ("np", "pp")]

    def note(self, kind: str, of: Site, on: Site = Site("")) -> None:
        """Keep a relation."""
        self.parse.relations.append(Relation(kind, of, on))

    # what is inside a noun phrase, whatever its part in the clause

    def _inside(self, phrase: Phrase) -> None:
        if not phrase.nouns:
            return
        for head, governed in pairwise(phrase.nouns):
            self.note("idafa", _idafa_site(head), _site(governed))
        for demonstrative, noun in phrase.pointed:
            self.note("demonstrative", _site(noun), _site_of_word(demonstrative, "demonstrative"))
        if phrase.kind == "pp" and phrase.preposition:
            self.note("governed", _site(phrase.preposition), _site(phrase))

    def _adjacent(self, phrases: list[Phrase]) -> None:
        """A definite noun right before another one governs it, or they are subject and object."""
        for one, other in zip(phrases, [*phrases[1:], None], strict=True):
            governs = one.nouns and "must_govern" in one.nouns[-1].noun.tags
            if governs and not (other and other.words[0].form == "ما"):
                self.note("alone", _site(one.nouns[-1]))
        for index, (one, other) in enumerate(pairwise(phrases)):
            if one.nouns and other.kind == "np" and not one.adjectives and not other.conj and not other.pointed:
                last = one.nouns[-1]
                articles = last.form.startswith(ARTICLE) and other.nouns[0].noun.definite
                if not articles or "substantive" in last.noun.tags:
                    continue
                before = phrases[index - 1] if index else None
                transitive = before and before.kind == "verb" and before.words[0].has("verb_transitive")
                if one.kind == "np" and transitive and not any(p.kind == "np" for p in phrases[index + 2 :]):
                    continue
                self.note("idafa", _site(one.nouns[-1]), _site(other.nouns[0]))

    # the clause

    def _segment(self, segment: list[Phrase], phrases: list[Phrase]) -> None:
        verbs = [phrase for phrase in segment if phrase.kind == "verb" and not phrase.words[0].has("impersonal")]
        roles: dict[int, str] = {}
        for index, phrase in enumerate(segment):
            if phrase.kind == "verb":
                self.verb = phrase
                self._verb(phrase, segment, index, roles, phrases)
            elif phrase.kind == "relative":
                self._relative(phrase, phrases)
            elif phrase.kind == "pronoun":
                self._pronoun(phrase, segment[index + 1] if index + 1 < len(segment) else None)
            elif phrase.kind == "demonstrative" and not (index and segment[index - 1].kind == "preposition"):
                self._demonstrative(phrase, segment, index)
            elif phrase.kind in ("np", "pp"):
                role = roles.get(id(phrase), "")
                if phrase.kind == "np" and not role and not (phrase.conj and phrase is not phrases[0]):
                    role = "predicate" if self.topic and not verbs else "topic"
                    self._nominative(phrase, segment, index)
                if phrase.kind == "np" and role == "predicate" and self.has_predicate:
                    self.note("second_predicate", _site(self.topic), _site(phrase))
                if phrase.kind == "np" and (role == "topic" or (role in ("subject", "object") and not self.topic)):
                    self.topic = phrase
                self._adjectives(phrase, verbs)
            elif phrase.kind == "adj":
                if index and segment[index - 1].kind == "preposition":
                    self.note("orphan", _site(phrase.adjectives[0]))
                else:
                    self._loose(phrase.adjectives[0])

    def _nominative(self, phrase: Phrase, segment: list[Phrase], index: int) -> None:
        """A noun phrase that no verb asks for: topic or predicate, or the answer to a question, in its case."""
        if index and segment[index - 1].words[0].form in ("أن", "إن"):
            self.note("after_particle", _site(segment[index - 1].words[0]), _site(phrase))
        elif self.verb and self.verb.words[0].has("copula"):
            self.note("accusative", _site(self.verb.words[0]), _site(phrase))
        elif self.verb or self.topic or "a" not in self.fragment_case or phrase.case != "a":
            self.note("nominative", _site(phrase))

    def _verb(
        self, phrase: Phrase, segment: list[Phrase], index: int, roles: dict[int, str], phrases: list[Phrase]
    ) -> None:
        word = phrase.words[0]
        after = [p for p in segment[index + 1 :] if p.kind == "np" and not p.conj]
        if word.has("speaker") or word.has("impersonal"):
            transitive = word.has("verb_speaker_transitive") or word.has("verb_deeming")
            if after and transitive:
                self._object(phrase, after[0], roles)
            elif after and word.has("impersonal"):
                self._governed_subject(after[0], roles)
            return
        asks_object = any(p.words[0].form == "ماذا" for p in phrases)
        if word.has("verb_transitive"):
            subject, target = self._arguments(word, after, asks_object)
        else:
            subject, target = (after[0] if after else None), None
        if subject:
            self.note("subject", _site(subject, first=True), _site_of_verb(word))
            self._governed_subject(subject, roles)
        elif index + 1 < len(segment) and segment[index + 1].kind == "demonstrative":
            self.note("subject", _site_of_word(segment[index + 1].words[0], "demonstrative"), _site_of_verb(word))
        elif index and segment[index - 1].words[0].form in ("ما", "مما", "بما", "لما", "كما", "ماذا"):
            if segment[index - 1].words[0].form != "كما" or word.verb.lemma.startswith("يلي"):
                self.note("subject", Site(segment[index - 1].text, "m"), _site_of_verb(word))
        elif index and segment[index - 1].kind == "np" and not word.has("verb_suffixed"):
            self.note("subject", _site(segment[index - 1]), _site_of_verb(word))
        elif not after or target:
            owner = self.topic or (self.carried if phrase.conj else self._meant(word.verb.gender))
            if owner and not word.has("verb_suffixed"):
                self.note("subject", _site(owner), _site_of_verb(word))
        if target:
            self._object(phrase, target, roles)

    def _meant(self, gender: str) -> Phrase | None:
        """The last noun phrase before this clause that agrees, else the last one: what a verb alone can speak of."""
        return next(
            (p for p in reversed(self.heard) if agree(_site(p).concord[:1], gender)), (self.heard or [None])[-1]
        )

    def _arguments(self, word: Word, after: list[Phrase], asks_object: bool) -> tuple[Phrase | None, Phrase | None]:
        """Subject and object of a transitive verb among the noun phrases after it."""
        if not after:
            return None, None
        if self.topic:
            return None, after[0]
        if len(after) > 1 or asks_object:
            return after[0], (after[1] if len(after) > 1 else None)
        marked = "n" not in after[0].case
        dropped = self.carried and agree(_site(self.carried).concord, word.verb.gender)
        if marked or (dropped and not agree(after[0].concords[0], word.verb.gender)):
            return None, after[0]
        return after[0], None

    def _governed_subject(self, phrase: Phrase, roles: dict[int, str]) -> None:
        roles[id(phrase)] = "subject"
        self.note("nominative", _site(phrase))

    def _object(self, verb: Phrase, phrase: Phrase, roles: dict[int, str]) -> None:
        roles[id(phrase)] = "object"
        self.note("accusative", _site(verb.words[0]), _site(phrase))

    def _relative(self, phrase: Phrase, phrases: list[Phrase]) -> None:
        before = phrases[phrases.index(phrase) - 1] if phrases.index(phrase) else None
        if before and before.nouns:
            self.note("demonstrative", _site(before), _site_of_word(phrase.words[0], "relative"))
            self.topic = before
            return
        if before and before.words[0].form == "ما":
            self.note("demonstrative", Site("ما", "m"), _site_of_word(phrase.words[0], "relative"))
        self.topic = phrase

    def _pronoun(self, phrase: Phrase, following: Phrase | None) -> None:
        pronoun = _site_of_word(phrase.words[0], "pronoun")
        if self.topic:
            self.note("pronoun", _site(self.topic), pronoun)
            return
        nouns = [noun for mention in self.mentioned for noun in mention.nouns]
        if following and following.kind == "np" and following.definite:
            self.note("pronoun", _site(following), pronoun)
        elif nouns:
            meant = next((noun for noun in nouns if agree(noun.noun.concord, pronoun.concord)), nouns[0])
            self.note("pronoun", _site(meant), pronoun)
        self.topic = phrase

    def _demonstrative(self, phrase: Phrase, segment: list[Phrase], index: int) -> None:
        """A demonstrative that is a noun phrase itself agrees with what is said of it, or with what was said before."""
        word = _site_of_word(phrase.words[0], "demonstrative")
        following = [p for p in segment[index + 1 : index + 3] if p.kind != "pronoun"]
        if following and following[0].kind == "np":
            self.note("demonstrative", _site(following[0]), word)
        elif following and following[0].kind == "adj":
            self.note("demonstrative", _site(following[0].adjectives[0]), word)
        elif not following and self.topic:
            self.note("demonstrative", _site(self.topic), word)
        elif not (following and following[0].kind in ("verb", "relative")):
            self.note("demonstrative", Site("", "m"), word)
        if index + 1 < len(segment) and segment[index + 1].kind == "pronoun":
            self.topic = phrase

    # adjectives

    def _adjectives(self, phrase: Phrase, verbs: list[Phrase]) -> None:
        """Attach the adjectives after a noun phrase: inner nouns first, without crossing; else they are predicates."""
        reach = len(phrase.nouns) - 1
        for adjective in phrase.adjectives:
            site = _site(adjective)
            owners = _owners(phrase, adjective, reach)
            chosen = next((at for at in owners if not _misfits(phrase, at, adjective)), None)
            kept = _kept(phrase, adjective)
            if kept:
                self.note("predicate", _site(kept), site)
            elif chosen is not None:
                self.note("attribute", _noun_site(phrase, chosen), site)
                reach = chosen
            elif self._is_predicate(phrase, adjective, verbs):
                self._loose(adjective)
            else:
                closest = min(owners, key=lambda at: len(_misfits(phrase, at, adjective)))
                self.note("attribute", _noun_site(phrase, closest), site)

    def _is_predicate(self, phrase: Phrase, adjective: Adjective, verbs: list[Phrase]) -> bool:
        """Whether an adjective that fits no noun of the phrase can be said of the topic of its clause."""
        if adjective.classifying or adjective.word.adj.definite or not self.topic:
            return False
        if self.asks_what or self.has_predicate:
            return False
        if verbs and not _takes_predicate(verbs[-1].words[0]):
            return False
        if phrase is self.topic:
            return phrase.definite
        fits = agree(_site(self.topic).concord, adjective.concord)
        return fits and (phrase.definite or _site(self.topic).definite)

    def _loose(self, adjective: Adjective) -> None:
        """An adjective that is said of the topic of its clause."""
        site = _site(adjective)
        topic = self.topic or (self.carried if self.is_fragment else None)
        if self.asks_what and not self.topic:
            self.note("asked", site)
            return
        if adjective.word.adj.definite and not self.topic:
            return
        if topic:
            self.note("predicate", _site(topic), site)
            self.has_predicate = bool(self.topic)
        if self.verb and _takes_predicate(self.verb.words[0]):
            self.note("accusative", _site(self.verb.words[0]), site)
        elif self.topic or self.verb or "a" not in self.fragment_case:
            self.note("nominative", site)


def _owners(phrase: Phrase, adjective: Adjective, reach: int) -> list[int]:
    """The nouns an adjective can belong to, inner ones first: no quantifier, and only the last if it classifies."""
    if adjective.word.has("classifying"):
        return [reach]
    return [at for at in range(reach, -1, -1) if "quantifier" not in phrase.nouns[at].noun.tags] or [reach]


def _kept(phrase: Phrase, adjective: Adjective) -> Word | None:
    """The noun that a verbal noun such as keeping says to be or stay so (keeping the ear dry)."""
    keeps = len(phrase.nouns) > 1 and phrase.nouns[0].noun.lemma in word_list()["keeping"]
    return phrase.nouns[1] if keeps and not adjective.word.adj.definite else None


def _takes_predicate(word: Word) -> bool:
    return word.has("copula") or word.has("verb_deeming")


def _idafa_site(word: Word) -> Site:
    """The first part of a compound; the tag says whether its form can be one."""
    site = _site(word)
    tags = site.tags | ({"construct"} if word.noun.construct else set())
    return Site(site.text, site.concord, site.definite, site.case, tags)


def _site_of_word(word: Word, pos: str) -> Site:
    return Site(word.form, word.reading(pos).gender)


def _site_of_verb(word: Word) -> Site:
    return Site(word.form, word.verb.gender, tags=word.verb.tags)


def _noun_site(phrase: Phrase, at: int) -> Site:
    """A noun of a phrase as its adjectives see it: definite as the whole chain."""
    site = _site(phrase.nouns[at])
    case = phrase.case if at == 0 else "nag"
    tags = site.tags | ({"chained"} if len(phrase.nouns) > 1 else set())
    return Site(site.text, site.concord, phrase.definite, case, tags)


def _misfits(phrase: Phrase, at: int, adjective: Adjective) -> list[str]:
    """What keeps an adjective from being the attribute of a noun, the worst first."""
    of, on = _noun_site(phrase, at), _site(adjective)
    return [rule.__name__ for rule in (gender, things, definiteness, accusative, side) if rule(_only(of, on))]


def _only(of: Site, on: Site) -> Parse:
    return Parse("", relations=[Relation("attribute", of, on)])


def _join_coordinated(phrases: list[Phrase]) -> None:
    """Nouns joined by وَ are one subject; after a prepositional phrase they belong to it."""
    first: Phrase | None = None
    for before, phrase in zip([None, *phrases], phrases, strict=False):
        if phrase.kind == "np" and phrase.conj and before and before.kind in ("np", "pp"):
            if first and before.kind == "np":
                first.concords.append(phrase.head.noun.concord)
            else:
                phrase.kind = "pp"
        elif phrase.kind == "np":
            first = phrase


def _segments(phrases: list[Phrase]) -> list[list[Phrase]]:
    """Cut a clause where a verb or a pronoun joined by وَ, a relative or subordinating word or بل begins a new one."""
    segments: list[list[Phrase]] = []
    for phrase in phrases:
        joined = phrase.conj and phrase.kind in ("verb", "pronoun")
        cut = phrase.kind in ("subordinator", "relative") or phrase.words[0].form in ("بل", "لكنه", "لكنها")
        if not segments or joined or cut:
            segments.append([])
        segments[-1].append(phrase)
    return [segment for segment in segments if segment]


# --- reading a text --------------------------------------------------------------------------------------------------


def arabic_only(text: str) -> str:
    """A text without its English sentences and the letters of its options."""
    return ENGLISH.sub(" ", OPTION.sub("", text))


def read(text: str, asked: str = "") -> Parse:
    """The words and relations of a text.

    `asked` is what was said before it, a turn in a line: for pronouns and short answers.
    """
    reader = Reader(Parse(text))
    reader.carried, reader.mentioned, reader.fragment_case = _heard(asked)
    _read_into(reader)
    return reader.parse


@cache
def _heard(asked: str) -> tuple[Phrase | None, list[Phrase], str]:
    """Of what was said before: its last topic, everything it names, and the cases a short answer may have."""
    reader = Reader(Parse(asked))
    reader.listening = True
    _read_into(reader)
    last = Reader(Parse(asked.split("\n")[-1]))
    _read_into(last)
    asks_object = any(word.form == "ماذا" or word.has("verb_deeming") for word in last.parse.words)
    return reader.carried, reader.mentioned, "na" if asks_object else "n"


def _read_into(reader: Reader) -> None:
    parse, clauses = reader.parse, []
    for content, mark in CLAUSE.findall(arabic_only(parse.text)):
        words = [word for form in WORD.findall(content) for word in read_word(form)]
        parse.words += words
        parse.unknown += [word.form for word in words if not word.readings]
        phrases = Chunker([word for word in words if word.readings]).run()
        if phrases:
            reader.clause(phrases)
            clauses.append(phrases)
        if mark in (".", "؟", "\n", "") and clauses:
            parse.sentences.append((clauses, mark))
            clauses = []


# --- rules -----------------------------------------------------------------------------------------------------------


def gender(parse: Parse) -> list[Violation]:
    """An adjective agrees with its noun in gender and number, as attribute and as predicate."""
    return [
        Violation("gender", pair.span, f"{pair.of.text} is {pair.of.concord}, {pair.on.text} is {pair.on.concord}")
        for pair in parse.of_kind("attribute", "predicate")
        if "plural_things" not in pair.of.tags and "side" not in pair.on.tags
        if not agree(pair.of.concord, pair.on.concord)
    ]


def definiteness(parse: Parse) -> list[Violation]:
    """An attribute has the article exactly when its noun is definite; a classifying adjective is always one."""
    return [
        *(
            Violation("definiteness", pair.span, f"{pair.on.text} and its noun differ in the article")
            for pair in parse.of_kind("attribute")
            if pair.of.definite != pair.on.definite
        ),
        *(
            Violation("definiteness", pair.span, f"{pair.on.text} needs the article")
            for pair in parse.of_kind("predicate")
            if "classifying" in pair.on.tags and pair.of.definite and not pair.on.definite
        ),
        *(
            Violation("definiteness", pair.span, "an attribute between them needs the article")
            for pair in parse.of_kind("second_predicate")
        ),
    ]


def things(parse: Parse) -> list[Violation]:
    """A plural of things takes adjectives and verbs in the feminine singular."""
    return [
        Violation("things", pair.span, f"{pair.on.text} must be feminine singular")
        for pair in parse.of_kind("attribute", "predicate", "subject")
        if "plural_things" in pair.of.tags and not agree("f", pair.on.concord)
    ]


def verb(parse: Parse) -> list[Violation]:
    """A verb agrees with its subject in gender, whichever comes first."""
    return [
        Violation("verb", pair.span, f"the subject is {pair.of.concord}")
        for pair in parse.of_kind("subject")
        if "plural_things" not in pair.of.tags and not agree(pair.of.concord[:1], pair.on.concord)
    ]


def pointing(parse: Parse) -> list[Violation]:
    """Demonstratives, relative words and pronouns agree with what they point to."""
    return [
        Violation("pointing", pair.span, f"{pair.of.text} is {pair.of.concord}")
        for pair in parse.of_kind("demonstrative", "pronoun")
        if not agree(pair.of.concord[:1], pair.on.concord)
    ]


def idafa(parse: Parse) -> list[Violation]:
    """The first noun of a compound has no article, tanwin or dual n; what needs a second noun has one."""
    return [
        *(
            Violation("idafa", pair.span, f"{pair.of.text} has an article, tanwin or dual n")
            for pair in parse.of_kind("idafa")
            if "construct" not in pair.of.tags and not _apposed_side(pair)
        ),
        *(Violation("idafa", pair.span, f"{pair.of.text} needs a second noun") for pair in parse.of_kind("alone")),
    ]


CASE_AFTER = {"nominative": "n", "accusative": "a", "after_particle": "a", "governed": "g", "idafa": "g"}
"""The case that each relation of case asks for."""


def _cases(parse: Parse) -> Iterator[tuple[str, Site, str]]:
    """Everything that must stand in a certain case: the words concerned, the site, the case."""
    for pair in parse.of_kind(*CASE_AFTER):
        yield pair.span, (pair.of if pair.kind == "nominative" else pair.on), CASE_AFTER[pair.kind]


def dual_case(parse: Parse) -> list[Violation]:
    """Duals and plurals of people end in -ān, -ūn as subjects, in -ayn, -īn after prepositions, nouns and verbs."""
    return [
        Violation("dual_case", span, f"{site.text} is not in the case {wanted}")
        for span, site, wanted in _cases(parse)
        if site.case in ("n", "ag") and wanted not in site.case
    ]


def accusative(parse: Parse) -> list[Violation]:
    """Objects and what ليس, كان, يبدو say carry tanwin where it shows, with their adjectives; nothing else does."""
    return [
        *(
            Violation("accusative", span, f"{site.text} {'needs' if wanted == 'a' else 'must not have'} tanwin")
            for span, site, wanted in _cases(parse)
            if (wanted == "a" and site.case == "ng" and not site.definite) or (wanted != "a" and site.case == "a")
        ),
        *(
            Violation("accusative", pair.span, "noun and adjective differ in tanwin")
            for pair in parse.of_kind("attribute")
            if not pair.on.definite and not set(pair.of.case) & set(pair.on.case)
        ),
    ]


def side(parse: Parse) -> list[Violation]:
    """الأيسر and اليسرى follow a noun that has sides, in its gender; اليسار is a noun and follows على."""
    sided = frozenset(word_list()["sided"])
    adjectives = [pair for pair in parse.of_kind("attribute", "predicate") if "side" in pair.on.tags]
    return [
        *(
            Violation("side", pair.span, f"{pair.of.text} is {pair.of.concord} or has no left and right")
            for pair in adjectives
            if not agree(pair.of.concord, pair.on.concord) or (pair.kind == "attribute" and not pair.of.tags & sided)
        ),
        *(
            Violation("side", pair.span, "an adjective of side stands without its noun")
            for pair in parse.of_kind("orphan")
            if "side" in pair.of.tags
        ),
        *(
            Violation("side", pair.span, "a noun of side cannot be an adjective")
            for pair in parse.of_kind("idafa")
            if _apposed_side(pair)
        ),
    ]


def _apposed_side(pair: Relation) -> bool:
    return bool(pair.on.tags & {"يسار", "يمين"} and pair.of.tags & {"جانب", "جهة", "رئة", "كلية"})


def question(parse: Parse) -> list[Violation]:
    """Question words stand where they belong, and a question, and nothing else, ends in ؟.

    هل opens its clause and stands right before its verb, ماذا stands before a verb, ما before a definite noun, أي
    before an indefinite one.
    """
    found = []
    for clauses, mark in parse.sentences:
        asks = any(_asks(clause) for clause in clauses)
        hints = any(phrase.words[0].form in ("أم", "إذن") or phrase.kind == "question" for c in clauses for phrase in c)
        text = " ".join(phrase.text for clause in clauses for phrase in clause)
        if asks and mark != "؟":
            found.append(Violation("question", text, "a question without its mark"))
        if mark == "؟" and not asks and not hints:
            found.append(Violation("question", text, "a question mark without a question"))
        for clause in clauses:
            found += [Violation("question", text, reason) for reason in _question_order(clause)]
    return found + [
        Violation("question", pair.span, "ما asks for a definite masculine adjective")
        for pair in parse.of_kind("asked")
        if not pair.of.definite or pair.of.concord != "m"
    ]


def _opening(clause: list[Phrase]) -> list[Phrase]:
    """A clause without adverbs and a preposition before its first word."""
    start = next((at for at, phrase in enumerate(clause) if phrase.kind not in ("adverb", "preposition")), 0)
    return clause[start:]


def _asks(clause: list[Phrase]) -> bool:
    opening = _opening(clause)
    if not opening:
        return False
    first, second = opening[0], (opening[1] if len(opening) > 1 else None)
    if first.kind in ("np", "pp"):
        return first.nouns[0].form == WHICH
    if first.words[0].form == "ما":
        return second is None or second.kind in ("np", "relative", "demonstrative")
    return first.words[0].form in OPENING_QUESTIONS


def _question_order(clause: list[Phrase]) -> Iterator[str]:
    opening = _opening(clause)
    for at, phrase in enumerate(clause):
        following = clause[at + 1] if at + 1 < len(clause) else None
        form = phrase.words[0].form
        if form == "هل":
            if phrase is not opening[0]:
                yield "هل does not open its clause"
            if following and following.kind == "np" and _verb_follows(clause[at + 1 :]):
                yield "the verb follows هل directly"
        if form == "ماذا" and following and following.kind in ("np", "adj", "demonstrative"):
            yield "ماذا stands before a noun"
        if form == "ما" and phrase is opening[0] and following and following.kind == "np":
            elative = "elative" in following.nouns[0].noun.tags
            if not following.definite and not elative and not following.pointed:
                yield "ما stands before an indefinite noun"
        if form == "ما" and at == 0 and following and following.kind == "verb":
            yield "ما stands before a verb"
        if phrase.nouns and phrase.nouns[0].form == WHICH and len(phrase.nouns) > 1:
            governed = phrase.nouns[1].noun
            if governed.definite and "plural_things" not in governed.tags:
                yield "أي stands before a definite singular"


def _verb_follows(phrases: list[Phrase]) -> bool:
    """Whether a verb comes in the same segment, with no noun of its own after it."""
    segment = _segments(phrases)[0]
    return any(phrase.kind == "verb" for phrase in segment[1:])


def punctuation(parse: Parse) -> list[Violation]:
    """Arabic text has ، ؛ ؟ and a space after every mark, none before it."""
    return [
        Violation("punctuation", parse.text[:60], f"{match.group()!r} in Arabic text")
        for match in STRAY.finditer(_without_english_spaces(parse.text))
    ]


def _without_english_spaces(text: str) -> str:
    """A text with each English part shrunk to nothing, so that no double spaces are left where it stood."""
    return re.sub(r" ?\0 ?", " ", ENGLISH.sub("\0", OPTION.sub("", text))).strip()


def spelling(parse: Parse) -> list[Violation]:
    """Every word is known; على and علي, أن and إن are kept apart."""
    found = [Violation("spelling", form, "unknown word") for form in parse.unknown]
    for word, following in pairwise(parse.words):
        if following.noun and (word.form == "علي" or (word.form == "لدي" and following.noun.definite)):
            found.append(Violation("spelling", f"{word.form} {following.form}", f"{word.form[:-1]}ى is meant"))
        if word.form == "إن" and following.verb:
            found.append(Violation("spelling", f"{word.form} {following.form}", "أن is meant"))
        if word.form == "القول" and following.form == "أن":
            found.append(Violation("spelling", f"{word.form} {following.form}", "إن is meant"))
    return found


RULES: dict[str, Callable[[Parse], list[Violation]]] = {
    rule.__name__: rule
    for rule in (
        gender,
        definiteness,
        things,
        verb,
        pointing,
        idafa,
        dual_case,
        accusative,
        side,
        question,
        punctuation,
        spelling,
    )
}


def check(text: str, asked: str = "") -> list[Violation]:
    """Everything that is wrong in a text; `asked` is what was said before it."""
    parse = read(text, asked)
    return [violation for rule in RULES.values() for violation in rule(parse)]
