"""How long 6,719 VQA answers take under every definition, with intervals; wanted: under 20 seconds on one core.

    python tests/benchmarks/score_vqa.py [--answers 6719]

The questions are those of shared/data (Rad-VQA and SLAKE's English half), repeated under other ids; the answers are
drawn: the published one, sentences around it, long descriptions, refusals, nothing. The floor, measured in the same
run, is cleaning each answer and each published answer once with the legacy normaliser, which no scoring can do without.
"""

import argparse
import dataclasses
import random
import time
from pathlib import Path

from bimedix2_core.bench.legacy_normaliser import normalise
from bimedix2_core.bench.medical_vqa import results
from bimedix2_core.data.sources import BadRows, read_source
from bimedix2_core.params import root
from bimedix2_core.records import Row

DATA = root().parent / "shared" / "data"
FILES = {"rad_vqa": "vqa_rad/testset.json", "slake_vqa": "slake/test.json"}
WORDINGS = ("{answer}", "The answer is {answer}.", "Yes, the image shows {answer}.", "I cannot answer this.", "")
DESCRIPTION = " The image shows a large mass in the right lower lobe, without effusion {number}."
PATH_VQA = 6_719


def questions(n: int) -> list[Row]:
    """So many questions, the published ones again and again, each time about other images."""
    rows = [row for name, file in FILES.items() for row in read_source(name, DATA / file, bad_rows=BadRows(0))]
    return [again(rows[index % len(rows)], index // len(rows)) for index in range(n)]


def again(row: Row, turn: int) -> Row:
    """The question under another id and about another image."""
    facts = row.facts | {"image": f"{row.facts['image']}#{turn}"}
    return dataclasses.replace(row, id=f"{row.source}-{row.id}#{turn}", facts=facts)


def answer(row: Row, number: int, rng: random.Random) -> str:
    """A drawn answer; every second one is followed by a description, no two of which are alike."""
    said = rng.choice(WORDINGS).format(answer=row.answer)
    return said + DESCRIPTION.format(number=number) * rng.choice((0, 0, 1, 4))


def seconds(work, *given) -> tuple[float, object]:
    """How long a call takes, and what comes back."""
    started = time.perf_counter()
    made = work(*given)
    return time.perf_counter() - started, made


def main() -> None:
    """Draw, score, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--answers", type=int, default=PATH_VQA)
    n = parser.parse_args().answers
    if not Path(DATA).is_dir():
        raise SystemExit(f"{DATA} is not there; this script scores answers to the published questions")
    rows, rng = questions(n), random.Random(0)
    answers = [answer(row, number, rng) for number, row in enumerate(rows)]
    floor, _ = seconds(lambda: [normalise(text) for row, said in zip(rows, answers, strict=True)
                                for text in (said, row.answer)])  # fmt: skip
    scoring, found = seconds(results, rows, answers)
    print(
        f"{n:,} answers, {len(found)} numbers with intervals: {scoring:.1f} s, {n / scoring:,.0f} answers a second; "
        f"{scoring / floor:.0f} times the {floor:.2f} s that cleaning them once takes"
    )


if __name__ == "__main__":
    main()
