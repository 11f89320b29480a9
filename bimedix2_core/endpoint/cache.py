"""Cache: answers by the content of their request, on disk before they are used."""

import json
import sqlite3
import zlib
from pathlib import Path

from bimedix2_core.endpoint.replies import Reply, TokenLogProb

_COLUMNS = (
    "text, finish_reason, prompt_tokens, completion_tokens, model, log_probs, estimated_prompt_tokens,"
    " estimated_completion_tokens"
)
_LATER_COLUMNS = (
    ("model", "TEXT NOT NULL DEFAULT ''"),
    ("log_probs", "BLOB"),
    ("estimated_prompt_tokens", "INTEGER NOT NULL DEFAULT 0"),
    ("estimated_completion_tokens", "INTEGER NOT NULL DEFAULT 0"),
)
"""Those that a file made by an earlier version lacks."""


class RequestCache:
    """Answers by the content of their request, in one SQLite file; what `put` returned from survives a kill."""

    def __init__(self, path: Path):
        """Open or make the file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, text TEXT NOT NULL, finish_reason TEXT NOT NULL,"
            " prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL) WITHOUT ROWID"
        )
        self._add_columns()

    def _add_columns(self) -> None:
        """Bring a file that was made before these columns up to date; its answers stay."""
        self._db.execute("BEGIN IMMEDIATE")  # two processes may open it at the same moment
        known = {name for _, name, *_ in self._db.execute("PRAGMA table_info(replies)")}
        for name, kind in _LATER_COLUMNS:
            if name not in known:
                self._db.execute(f"ALTER TABLE replies ADD COLUMN {name} {kind}")
        self._db.execute("COMMIT")

    def get(self, key: str) -> Reply | None:
        """The stored answer, or None."""
        row = self._db.execute(f"SELECT {_COLUMNS} FROM replies WHERE key = ?", (key,)).fetchone()
        return Reply(*row[:5], _unpacked(row[5]), *row[6:]) if row else None

    def put(self, key: str, reply: Reply) -> None:
        """Store an answer; the first one of a key stays."""
        said = (key, reply.text, reply.finish_reason, reply.prompt_tokens, reply.completion_tokens, reply.model)
        estimated = (reply.estimated_prompt_tokens, reply.estimated_completion_tokens)
        values = (*said, _packed(reply.log_probs), *estimated)
        places = ", ".join("?" * len(values))
        self._db.execute(f"INSERT OR IGNORE INTO replies (key, {_COLUMNS}) VALUES ({places})", values)

    def totals(self) -> tuple[int, int, int]:
        """Number of answers, their prompt tokens and their completion tokens, those that are estimated included."""
        return self._db.execute(
            "SELECT COUNT(*), COALESCE(SUM(prompt_tokens + estimated_prompt_tokens), 0),"
            " COALESCE(SUM(completion_tokens + estimated_completion_tokens), 0) FROM replies"
        ).fetchone()

    def n_estimated(self) -> int:
        """Number of answers of which the endpoint left out a count of tokens."""
        return self._db.execute(
            "SELECT COUNT(*) FROM replies WHERE estimated_prompt_tokens + estimated_completion_tokens > 0"
        ).fetchone()[0]

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _packed(log_probs: tuple[TokenLogProb, ...] | None) -> bytes | None:
    if log_probs is None:
        return None
    return zlib.compress(json.dumps([(one.token, one.log_prob, one.top) for one in log_probs]).encode())


def _unpacked(stored: bytes | None) -> tuple[TokenLogProb, ...] | None:
    if stored is None:
        return None
    found = json.loads(zlib.decompress(stored))
    return tuple(TokenLogProb(token, value, tuple((t, v) for t, v in top)) for token, value, top in found)
