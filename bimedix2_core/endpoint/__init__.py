"""An OpenAI-compatible endpoint, asked with care: nothing is paid for twice, nothing is lost, the budget holds.

    payload -> Endpoint.ask -> RequestCache -> Reply
                    |
                  Meter: requests, tokens, cost, what is left of the budget

- Every answer is stored in a `RequestCache` before it is used, under the content of its request. A process that is
  killed finds the paid answers again; only what was in flight is asked once more.
- A refusal is an answer: it is paid for and kept.
- Where an endpoint counts no tokens they are estimated, so that the budget holds there too (`estimates`).
- A key that no header can carry is refused before anything is sent, and no key is ever stored or printed.
"""

from bimedix2_core.endpoint.cache import RequestCache
from bimedix2_core.endpoint.client import Check, Endpoint
from bimedix2_core.endpoint.estimates import request_tokens
from bimedix2_core.endpoint.meter import Limits, Meter, meter_of
from bimedix2_core.endpoint.model_names import is_same_model
from bimedix2_core.endpoint.replies import DECLINED, LOWEST, Reply, TokenLogProb

__all__ = [
    "DECLINED",
    "LOWEST",
    "Check",
    "Endpoint",
    "Limits",
    "Meter",
    "Reply",
    "RequestCache",
    "TokenLogProb",
    "is_same_model",
    "meter_of",
    "request_tokens",
]
