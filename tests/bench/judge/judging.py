"""A judge on loopback that keeps what it was sent, and requests to it."""

import contextlib
import hashlib
import json
from collections import Counter
from pathlib import Path

import local_server

from bimedix2_core.bench.judge import JudgeModel, JudgePrompts, JudgeRequest, Wording
from bimedix2_core.endpoint import Limits

FAST = Limits(first_wait=0.01, timeout=2.0, tries=2, in_flight=4)

PROMPTS = JudgePrompts(
    "test",
    {
        "en": Wording("Compare.", "<claim>\n{claim}\n</claim>\n<response>\n{response}\n</response>\nJudge."),
        "ar": Wording("قارن.", "<claim>\n{claim}\n</claim>\n<response>\n{response}\n</response>\nاحكم."),
    },
)


def request(id: str, response: str, *, claim: str = "Tea cures flu.", language: str = "en") -> JudgeRequest:
    return JudgeRequest(
        id, language, PROMPTS.version, PROMPTS.messages(language, claim=claim, response=response), max_tokens=64
    )


@contextlib.contextmanager
def judge_that_says(
    folder: Path, body: str, *, faults: str = "", latency: float = 0.0, limits: Limits = FAST, quirks: str = ""
):
    """A running judge; `body` is Python that sees `text`, the user's message, and returns the verdict."""
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "answers.py"
    script.write_text(
        "import json\n"
        f"def answer(payload):\n"
        f"    with open({str(folder / 'sent.jsonl')!r}, 'a') as stream:\n"
        "        stream.write(json.dumps(payload) + '\\n')\n"
        "    text = payload['messages'][-1]['content']\n"
        f"    {body}\n"
    )
    settings = {"answers": script, "faults": faults, "latency": latency, "quirks": quirks}
    with local_server.serving(folder / "ledger.jsonl", **settings) as url:
        yield JudgeModel("judge-1", url, limits=limits)


def sent(folder: Path) -> list[dict]:
    """What the judge was sent, parsed from the bytes of each request."""
    return [json.loads(line) for line in (folder / "sent.jsonl").read_text().splitlines()]


def sent_bytes(folder: Path) -> list[bytes]:
    """The bodies of the requests as they were sent: the ledger's hash of each body holds what is made again here."""
    bodies = [
        json.dumps(payload, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        for payload in sent(folder)
    ]
    hashed = Counter(hashlib.sha256(body).hexdigest()[:16] for body in bodies)
    if hashed != local_server.paid(folder / "ledger.jsonl"):
        raise AssertionError("these are not the bytes that the server received")
    return bodies


def n_paid(folder: Path) -> int:
    return local_server.paid(folder / "ledger.jsonl").total()
