"""A local OpenAI-compatible server for tests: a real process on loopback with latency, faults and a ledger.

    python tests/local_server.py --port 0 --ledger ledger.jsonl [--latency .05] [--faults drop=.05,429=.05,...]
        [--answers answers.py] [--log-probs echo] [--model-name m] [--paths chat/completions,completions]
        [--quirks uncounted,declines]

It prints its port. The ledger has one line per request that it answered with 200, written before the answer leaves,
so that a client which asks (pays) twice is seen. Faults are drawn by the request's content and how often it came, so
that a request that failed can succeed later. Faults: drop (connection closed), hang (no answer), 429, 500, truncate
(half a body), garbage (no JSON), nochoice (JSON of another shape), die (the process ends).

Translation is a letter-by-letter cipher into Arabic script that keeps digits and tags: what a test needs of a
translator. A text that holds "careless" loses its numbers until the request carries feedback. A module with a function
``answer(payload) -> str`` may answer in its place.

Log-probabilities come from a `Reader`: `Lengths`, whose numbers can be worked out by hand, or a model of the test. How
they are given is a mode, each found in a real server:

    null       the fields are accepted and ignored (transformers serve)
    echo       of an echoed prompt and of what is written (vLLM)
    top        of what is written only, an echo is refused (llama.cpp, OpenAI today)
    generated  of what is written only, an echo is accepted and ignored (llama.cpp at times)
    refused    any request for them is refused
    short      one fewer than there are tokens
    fades      as echo for three requests, then as null

Quirks: uncounted (no ``usage``), declines (each answer to messages stands in ``refusal``, its content is null).
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import random
import re
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Protocol

LETTERS = dict(zip("abcdefghijklmnopqrstuvwxyz", "ابكدهفجحيزقلمنوپخرستعطثظذش", strict=True))
TAG = re.compile(r"(<[^>]*>)")


def cipher(text: str) -> str:
    """English letters become Arabic ones; tags, digits and punctuation stay."""
    parts = TAG.split(text)
    return "".join(
        part if TAG.fullmatch(part) else "".join(LETTERS.get(letter.lower(), letter) for letter in part)
        for part in parts
    )


def answer(payload: dict) -> str:
    """What the server says: a score where a score is asked for, else a translation of what stands last."""
    prompt = text_of(payload["messages"][-1:])
    if "0 to 100" in prompt:
        low = "careless" in prompt and not re.search(r"\d", prompt.split("Arabic:")[-1])
        return json.dumps({"score": 40 if low else 95, "reasons": ["a number is missing"] if low else []})
    source = prompt.split("English:\n")[-1].split("\n\nYour last translation")[0]
    translated = cipher(source)
    if "careless" in source and "Your last translation" not in prompt:
        return re.sub(r"(?<![<s/])\d+", "", translated)
    return translated


Token = tuple[str, float | None, dict[str, float]]
"""A token, its log-probability and the most likely ones at its place."""


class Reader(Protocol):
    """What gives log-probabilities."""

    def read(self, payload: dict) -> list[Token]:
        """The tokens of the prompt or of the messages."""

    def write(self, payload: dict) -> Token:
        """The first token of the answer."""


class Lengths:
    """A token is a word with the space before it, or a sign; its log-probability is minus a quarter of its length.

    " B" follows everything: -0.25, before " A" -1, "A" -2, " C" -3 and " no" -4.
    """

    def read(self, payload: dict) -> list[Token]:
        text = payload.get("prompt") or text_of(payload["messages"])
        tokens = re.findall(r" ?\w+|[^\w]", text)
        return [(token, -len(token) / 4 if at else None, {token: -len(token) / 4}) for at, token in enumerate(tokens)]

    def write(self, payload: dict) -> Token:
        return " B", -0.25, {" B": -0.25, " A": -1.0, "A": -2.0, " C": -3.0, " no": -4.0}


def text_of(messages: list[dict]) -> str:
    """The text of all messages, images left out."""
    parts = (turn["content"] if isinstance(turn["content"], list) else [{"text": turn["content"]}] for turn in messages)
    return " ".join(part.get("text", "") for turn in parts for part in turn)


class LocalServer:
    """The server: answers, faults, ledger."""

    def __init__(
        self,
        ledger: Path,
        latency: float = 0.0,
        faults: dict[str, float] | None = None,
        seed: int = 0,
        *,
        log_probs: str = "null",
        model_name: str = "",
        paths: tuple[str, ...] = ("chat/completions", "completions"),
        reader: Reader | None = None,
        quirks: tuple[str, ...] = (),
    ):
        self.ledger, self.latency, self.faults, self.seed = ledger.open("a", buffering=1), latency, faults or {}, seed
        self.log_probs, self.model_name, self.paths, self.reader = log_probs, model_name, paths, reader or Lengths()
        self.quirks = quirks
        self.seen: Counter[str] = Counter()
        self.n_scored = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self.one(reader, writer):
                pass
        writer.close()

    async def one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"GET"):
            return await send(writer, 200, b'{"data": []}')
        path = re.match(rb"POST /v1/(\S+) ", head)
        if not path or path[1].decode() not in self.paths:
            if path and (size := re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)):
                await reader.readexactly(int(size[1]))
            return await send(writer, 404, b'{"error": "no such path"}')
        length = int(re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)[1])
        body = await reader.readexactly(length)
        key = hashlib.sha256(body).hexdigest()[:16]
        self.seen[key] += 1
        await asyncio.sleep(self.latency)
        fault = self.fault(key)
        if fault == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if fault == "drop":
            return False
        if fault == "hang":
            await asyncio.sleep(60)
            return False
        if fault in ("429", "500"):
            return await send(writer, int(fault), b'{"error": "try later"}', extra="Retry-After: 0\r\n")
        if fault == "garbage":
            return await send(writer, 200, b"<html>not json</html>")
        if fault == "nochoice":
            return await send(writer, 200, b'{"choices": []}')
        payload = json.loads(body)
        if self.refuses(payload):
            return await send(writer, 400, b'{"error": "such log-probabilities are not offered"}')
        reply = json.dumps(self.reply(payload)).encode()
        if fault == "truncate":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(reply) + reply[: len(reply) // 2])
            return False
        self.ledger.write(json.dumps({"key": key, "time": time.time()}) + "\n")
        await send(writer, 200, reply)
        return b"connection: close" not in head.lower()

    def refuses(self, payload: dict) -> bool:
        asked = "logprobs" in payload
        return asked and (self.log_probs == "refused" or (self.log_probs == "top" and bool(payload.get("echo"))))

    def reply(self, payload: dict) -> dict:
        """A completion or chat completion, with the log-probabilities of this server's mode."""
        found = self.twisted(completion(payload)) | {"model": self.model_name or payload["model"]}
        self.n_scored += "logprobs" in payload
        faded = self.log_probs == "fades" and self.n_scored > 3
        if "logprobs" not in payload or self.log_probs == "null" or faded:
            return found
        read, written = self.reader.read(payload), self.reader.write(payload)
        echo = bool(payload.get("echo"))
        text = payload["prompt"] * echo + written[0] if "prompt" in payload else written[0]
        found["usage"] = {"prompt_tokens": len(read), "completion_tokens": 1}
        given = [*read, written] if echo and self.log_probs != "generated" else [written]
        log_probs = in_text_form(given) if "prompt" in payload else in_chat_form(given, payload["top_logprobs"])
        if self.log_probs == "short":
            log_probs.get("token_logprobs", [0]).pop()
        found["choices"] = [choice(payload, text) | {"logprobs": log_probs}]
        return found

    def twisted(self, found: dict) -> dict:
        if "uncounted" in self.quirks:
            del found["usage"]
        if "declines" in self.quirks:
            said = found["choices"][0]["message"]
            said |= {"content": None, "refusal": said["content"]}
        return found

    def fault(self, key: str) -> str:
        draw = random.Random(f"{self.seed} {key} {self.seen[key]}").random()
        for name, share in self.faults.items():
            draw -= share
            if draw < 0:
                return name
        return ""


def completion(payload: dict) -> dict:
    """A completion or chat completion in OpenAI's form; tokens are words."""
    asked = payload if "messages" in payload else {"messages": [{"role": "user", "content": payload["prompt"]}]}
    text = answer(asked)
    usage = {
        "prompt_tokens": len(text_of(asked["messages"]).split()),
        "completion_tokens": len(text.split()),
    }
    return {"choices": [choice(payload, text)], "usage": usage}


def choice(payload: dict, text: str) -> dict:
    said = {"text": text} if "prompt" in payload else {"message": {"role": "assistant", "content": text}}
    return said | {"index": 0, "finish_reason": "stop", "logprobs": None}


def in_text_form(tokens: list[Token]) -> dict:
    """As /completions gives them; offsets add up the tokens' own lengths, as vLLM's do."""
    lengths = [len(token) for token, _, _ in tokens]
    return {
        "tokens": [token for token, _, _ in tokens],
        "token_logprobs": [value for _, value, _ in tokens],
        "top_logprobs": [top if value is not None else None for _, value, top in tokens],
        "text_offset": [sum(lengths[:at]) for at in range(len(tokens))],
    }


def in_chat_form(tokens: list[Token], n_top: int) -> dict:
    """As /chat/completions gives them."""

    def entry(token: str, value: float) -> dict:
        return {"token": token, "logprob": value, "bytes": list(token.encode())}

    return {
        "content": [
            entry(token, value) | {"top_logprobs": [entry(*pair) for pair in list(top.items())[:n_top]]}
            for token, value, top in tokens
        ]
    }


async def send(writer: asyncio.StreamWriter, status: int, body: bytes, extra: str = "") -> bool:
    head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\n{extra}Content-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
    return True


@contextlib.contextmanager
def serving(
    ledger: Path,
    *,
    latency: float = 0.0,
    faults: str = "",
    seed: int = 0,
    port: int = 0,
    answers: Path | None = None,
    log_probs: str = "null",
    model_name: str = "",
    quirks: str = "",
):
    """A running server; yields its base URL. The process is killed at the end."""
    command = [sys.executable, __file__, "--ledger", str(ledger), "--latency", str(latency), "--seed", str(seed)]
    command += ["--answers", str(answers)] if answers else []
    command += ["--log-probs", log_probs, "--model-name", model_name, "--quirks", quirks]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--faults", faults], stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL
    )
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
    finally:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def serving_here(ledger: Path, **options):
    """The same server in a thread of this process, so that a `Reader` may hold a model; yields its base URL."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = LocalServer(ledger, **options)
    writers: list[asyncio.StreamWriter] = []
    tasks: list[asyncio.Task] = []

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Called before anything of the connection runs, so that each one can be closed, begun or not."""
        writers.append(writer)
        tasks.append(loop.create_task(server.serve(reader, writer)))

    start = asyncio.start_server(connected, "127.0.0.1", 0, backlog=1024)
    running = asyncio.run_coroutine_threadsafe(start, loop).result()
    try:
        yield f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}/v1"
    finally:
        asyncio.run_coroutine_threadsafe(_stop(running, writers), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        server.ledger.close()


async def _stop(running: asyncio.Server, writers: list[asyncio.StreamWriter]) -> None:
    """Leave no task and no socket behind: pytest takes an unclosed one for the fault of whatever test runs then."""
    running.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    for writer in writers:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)


def paid(ledger: Path) -> Counter[str]:
    """How often each request was answered with 200."""
    lines = ledger.read_text().splitlines() if ledger.exists() else []
    return Counter(json.loads(line)["key"] for line in lines)


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--faults", default="")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--answers", type=Path)
    parser.add_argument("--log-probs", default="null")
    parser.add_argument("--model-name", default="")
    parser.add_argument("--paths", default="chat/completions,completions")
    parser.add_argument("--quirks", default="")
    asked = parser.parse_args()
    if asked.answers:
        globals()["answer"] = runpy.run_path(str(asked.answers))["answer"]
    faults = {name: float(share) for name, share in (part.split("=") for part in asked.faults.split(",") if part)}
    shape = {"log_probs": asked.log_probs, "model_name": asked.model_name, "paths": tuple(asked.paths.split(","))}
    shape["quirks"] = tuple(asked.quirks.split(","))
    server = LocalServer(asked.ledger, asked.latency, faults, asked.seed, **shape)
    running = await asyncio.start_server(server.serve, "127.0.0.1", asked.port, backlog=1024)
    print(running.sockets[0].getsockname()[1], flush=True)
    await running.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
