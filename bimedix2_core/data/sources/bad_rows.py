"""Bad rows: what could not be read, counted, with the limit that a profile sets."""

from dataclasses import dataclass, field

from bimedix2_core.errors import DataError

SHOWN = 5
"""Bad rows that a message lists."""


@dataclass(frozen=True)
class BadRow:
    """A row that could not be read."""

    place: str
    problem: str


@dataclass
class BadRows:
    """The rows that could not be read, and how many of them the profile accepts; printed, it lists the first."""

    limit: int
    found: list[BadRow] = field(default_factory=list)

    def note(self, place: object, problem: str) -> None:
        """Count a row; `place` is printed (a `Place`, or a text such as ``q.jsonl, line 7``).

        Raises:
            DataError: more than `limit` rows were found; the message lists the first.
        """
        self.found.append(BadRow(str(place), problem))
        if len(self.found) > self.limit:
            raise DataError(
                f"{self}\nThe profile accepts {self.limit}: mend the file, download it again, or raise the limit"
            )

    def __str__(self) -> str:
        if not self.found:
            return "every row could be read"
        lines = [f"  {bad.place}: {bad.problem}" for bad in self.found[:SHOWN]]
        if len(self.found) > SHOWN:
            lines.append(f"  and {len(self.found) - SHOWN} more")
        count = "1 row" if len(self.found) == 1 else f"{len(self.found)} rows"
        return "\n".join([f"{count} could not be read:", *lines])
