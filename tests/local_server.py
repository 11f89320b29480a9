"""A local OpenAI-compatible server for tests: a real process on loopback with latency, faults and a ledger.

    python tests/local_server.py --port 0 --ledger ledger.jsonl [--latency .05] [--faults drop=.05,429=.05,...]
        [--answers answers.py]

It prints its port. The ledger has one line per request that it answered with 200, written before the answer leaves,
so that a client which asks (pays) twice is seen. Faults are drawn by the request's content and how often it came, so
that a request that failed can succeed later. Faults: drop (connection closed), hang (no answer), 429, 500, truncate
(half a body), garbage (no JSON), nochoice (JSON of another shape), die (the process ends).

Translation is a letter-by-letter cipher into Arabic script that keeps digits and tags: what a test needs of a
translator. A text that holds "careless" loses its numbers until the request carries feedback. A module with a function
``answer(payload) -> str`` may answer in its place.
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
import time
from collections import Counter
from pathlib import Path

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
    prompt = payload["messages"][-1]["content"]
    if "0 to 100" in prompt:
        low = "careless" in prompt and not re.search(r"\d", prompt.split("Arabic:")[-1])
        return json.dumps({"score": 40 if low else 95, "reasons": ["a number is missing"] if low else []})
    source = prompt.split("English:\n")[-1].split("\n\nYour last translation")[0]
    translated = cipher(source)
    if "careless" in source and "Your last translation" not in prompt:
        return re.sub(r"(?<![<s/])\d+", "", translated)
    return translated


class LocalServer:
    """The server: answers, faults, ledger."""

    def __init__(self, ledger: Path, latency: float, faults: dict[str, float], seed: int):
        self.ledger, self.latency, self.faults, self.seed = ledger.open("a", buffering=1), latency, faults, seed
        self.seen: Counter[str] = Counter()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self.one(reader, writer):
                pass
        writer.close()

    async def one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"GET"):
            return await send(writer, 200, b'{"data": []}')
        if b"POST /v1/chat/completions " not in head:
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
        reply = json.dumps(completion(json.loads(body))).encode()
        if fault == "truncate":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(reply) + reply[: len(reply) // 2])
            return False
        self.ledger.write(json.dumps({"key": key, "time": time.time()}) + "\n")
        await send(writer, 200, reply)
        return b"connection: close" not in head.lower()

    def fault(self, key: str) -> str:
        draw = random.Random(f"{self.seed} {key} {self.seen[key]}").random()
        for name, share in self.faults.items():
            draw -= share
            if draw < 0:
                return name
        return ""


def completion(payload: dict) -> dict:
    """A chat completion in OpenAI's form; tokens are words."""
    text = answer(payload)
    usage = {
        "prompt_tokens": sum(len(m["content"].split()) for m in payload["messages"]),
        "completion_tokens": len(text.split()),
    }
    return {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}], "usage": usage}


async def send(writer: asyncio.StreamWriter, status: int, body: bytes, extra: str = "") -> bool:
    head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\n{extra}Content-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
    return True


@contextlib.contextmanager
def serving(
    ledger: Path, *, latency: float = 0.0, faults: str = "", seed: int = 0, port: int = 0, answers: Path | None = None
):
    """A running server; yields its base URL. The process is killed at the end."""
    command = [sys.executable, __file__, "--ledger", str(ledger), "--latency", str(latency), "--seed", str(seed)]
    command += ["--answers", str(answers)] if answers else []
    process = subprocess.Popen(
        [*command, "--port", str(port), "--faults", faults], stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL
    )
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
    finally:
        process.kill()
        process.communicate()


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
    asked = parser.parse_args()
    if asked.answers:
        globals()["answer"] = runpy.run_path(str(asked.answers))["answer"]
    faults = {name: float(share) for name, share in (part.split("=") for part in asked.faults.split(",") if part)}
    server = LocalServer(asked.ledger, asked.latency, faults, asked.seed)
    running = await asyncio.start_server(server.serve, "127.0.0.1", asked.port, backlog=1024)
    print(running.sockets[0].getsockname()[1], flush=True)
    await running.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
