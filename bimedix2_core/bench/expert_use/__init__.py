"""Expert use: which experts of a mixture take Arabic and which English, and how far the languages are apart.

A router sends every token of every layer to a few of its experts. Two languages over the same contents (twins) may go
to the same experts or to different ones; the numbers here say which, with intervals over texts, since the tokens of
one text are not independent. What the paper does not report.
"""

from bimedix2_core.bench.expert_use.numbers import Balance, Change, Distance, ExpertUse, LayerUse, TokenUse
from bimedix2_core.bench.expert_use.routing import Routing
from bimedix2_core.bench.expert_use.separation import distance_change
from bimedix2_core.bench.expert_use.use import expert_use, most_specific

__all__ = [
    "Balance",
    "Change",
    "Distance",
    "ExpertUse",
    "LayerUse",
    "Routing",
    "TokenUse",
    "distance_change",
    "expert_use",
    "most_specific",
]
