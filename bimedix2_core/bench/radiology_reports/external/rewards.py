"""RadGraph's scores of a report pair, from the annotations of both: three published rewards and RadCliQ's two F1.

An annotation is what RadGraph found in one report: entities with their words, their label and their relations. The
model that finds them runs elsewhere (`worker`); what is counted from them is counted here.

- RG_E (simple): F1 over the set of (words, label).
- RG_ER (partial): the same, and an entity with relations carries a mark that it has some. Papers print this one as
  F1-RadGraph, the paper's Tables 6 and 7 among them.
- RG_bar_ER (complete): (words, label) of an entity without relations; one (words, label, relation, target's words) for
  each relation of the others.

All three are 0 where either report has no entity: two empty reports score 0, not 1. Everything is a set: a finding
that a report repeats counts once.

Source: Delbrouck et al. 2022 (rewards), radgraph 0.1.18 read in its source, rajpurkarlab/CXR-Report-Metric (F1).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bimedix2_core.errors import DataError

Casing = Literal["radgraph 0.1.18", "radgraph head"]
"""Two codes carry the version 0.1.18 and differ in the case of words.

The package on PyPI lower-cases the words of RG_bar_ER's relations and nothing else, so that "Effusion" with a relation
meets "effusion" and without one it does not. The head of the repository lower-cases all words.
"""

PACKAGE: Casing = "radgraph 0.1.18"
HEAD: Casing = "radgraph head"


@dataclass(frozen=True)
class Entity:
    """One finding or place that RadGraph marked in a report."""

    tokens: str
    """Its words, joined by spaces, as they are spelt in the report."""
    label: str
    """Kind and certainty, such as ``Observation::definitely absent``."""
    relations: tuple[tuple[str, str], ...] = ()
    """Type and the number of the target entity, such as ``("located_at", "2")``."""


Annotation = Mapping[str, Entity]
"""The entities of one report by their number."""


@dataclass(frozen=True)
class Rewards:
    """RadGraph's three rewards of one report pair, 0 to 1."""

    rg_e: float
    rg_er: float
    rg_bar_er: float


@dataclass(frozen=True)
class RadGraphF1:
    """The two F1 of RadCliQ, 0 to 1."""

    entity: float
    relation: float

    @property
    def mean(self) -> float:
        """RadCliQ's first feature; 0.5 at most for a report that has no relation."""
        return (self.entity + self.relation) / 2


def read_annotation(entities: Mapping[str, Mapping[str, Any]]) -> dict[str, Entity]:
    """Entities as RadGraph writes them: ``{"1": {"tokens", "label", "relations": [[type, number]]}}``.

    Raises:
        DataError: an entity lacks a field, or a relation points to an entity that is not there.
    """
    try:
        read = {
            number: Entity(one["tokens"], one["label"], tuple((kind, target) for kind, target in one["relations"]))
            for number, one in entities.items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"no RadGraph annotation: an entity needs tokens, label and relations ({error!r})") from error
    lost = [target for one in read.values() for _, target in one.relations if target not in read]
    if lost:
        raise DataError(f"no RadGraph annotation: a relation points to entity {lost[0]!r}, there are {sorted(read)}")
    return read


def rewards(hypothesis: Annotation, reference: Annotation, *, casing: Casing = PACKAGE) -> Rewards:
    """RG_E, RG_ER and RG_bar_ER of a report pair; see the module for what each counts."""
    sides = (hypothesis, reference)
    return Rewards(
        rg_e=_f1(*({_plain(one, casing) for one in side.values()} for side in sides)),
        rg_er=_f1(*({(*_plain(one, casing), bool(one.relations)) for one in side.values()} for side in sides)),
        rg_bar_er=_f1(*(_complete(side, casing) for side in sides)),
    )


def radgraph_f1(hypothesis: Annotation, reference: Annotation) -> RadGraphF1:
    """Entity F1 and relation F1 of a report pair as RadCliQ counts them, words as they are spelt.

    A relation is (entity, entity, type), each entity with words and label. Where neither report has a relation, the
    relation F1 is 0, for identical reports too.
    """
    sides = (hypothesis, reference)
    return RadGraphF1(
        entity=_f1(*({(one.tokens, one.label) for one in side.values()} for side in sides)),
        relation=_f1(*(_relations(side) for side in sides)),
    )


def _plain(entity: Entity, casing: Casing) -> tuple[str, str]:
    return (entity.tokens.lower() if casing == HEAD else entity.tokens, entity.label)


def _complete(annotation: Annotation, casing: Casing) -> set[tuple[str, ...]]:
    """Lower-cased where there is a relation, in both codes."""
    alone = {_plain(one, casing) for one in annotation.values() if not one.relations}
    return alone | {
        (one.tokens.lower(), one.label, kind, annotation[target].tokens.lower())
        for one in annotation.values()
        for kind, target in one.relations
    }


def _relations(annotation: Annotation) -> set[tuple[str, ...]]:
    return {
        (one.tokens, one.label, annotation[target].tokens, annotation[target].label, kind)
        for one in annotation.values()
        for kind, target in one.relations
    }


def _f1(hypothesis: set, reference: set) -> float:
    if not hypothesis or not reference:
        return 0.0
    return 2 * len(hypothesis & reference) / (len(hypothesis) + len(reference))
