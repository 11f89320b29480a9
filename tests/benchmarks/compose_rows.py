"""Composing 20,000 and 200,000 rows in the proportions of Table 12: rows a second, peak memory, and how both grow.

    python tests/benchmarks/compose_rows.py [--rows 20000 200000]

Each size runs in a process of its own, whose peak it prints. The parts are streams that make their rows as they go, of
the lengths of short conversations, twice as many as are wanted; a third of them carries an image key.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path

from bimedix2_core.data.compose.reading import open_composed, row_at
from bimedix2_core.data.compose.recipe import scaled
from bimedix2_core.data.compose.selection import Part
from bimedix2_core.data.compose.shards import compose
from bimedix2_core.data.compose.statistics import statistics
from bimedix2_core.paper import reported
from bimedix2_core.records import Row, message
from bimedix2_core.runs import content_key

TABLE_12 = reported.read("table12_bimed_v_composition")
TEXTS = {
    "en": "The chest radiograph shows a small right pleural effusion without consolidation. ",
    "ar": "تُظهر صورة الصدر الشعاعية انصبابًا جنبيًا صغيرًا في الجانب الأيمن دون تكثّف رئوي. ",
}


def rows(source: str, language: str, n: int) -> Iterator[Row]:
    for number in range(n):
        has_image = number % 3 == 0
        text = TEXTS[language] * (1 + number % 9)
        turns = [message("user", f"{number}: {TEXTS[language]}", images=int(has_image)), message("assistant", text)]
        images = (content_key(number // 5),) if has_image else ()
        yield Row(f"{number:07d}", language, "qa", source, turns, images, facts={"number": str(number)})


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def anonymous_mb() -> float:
    """Memory of this process that is no mapped file."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def one_size(n_rows: int) -> dict[str, float]:
    samples = TABLE_12.column("samples")
    share = Fraction(n_rows, int(sum(samples.values())))
    parts = [
        Part(source, partial(rows, source, TABLE_12.cell(source, "language"), 2 * n))
        for source, n in scaled(samples, share).items()
    ]
    before = peak_mb()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start = time.perf_counter()
        composition = compose(parts, samples, folder=folder, seed=0, rows_per_shard=50_000, share=share)
        composed = time.perf_counter() - start
        peak_composed = peak_mb()
        start = time.perf_counter()
        statistics(folder, lambda texts: [len(text.split()) for text in texts])
        counted = time.perf_counter() - start
        peak_counted = peak_mb()
        open_composed(folder)
        held = anonymous_mb()
        start = time.perf_counter()
        dataset = open_composed(folder)
        opened = time.perf_counter() - start
        row_at(dataset, composition.n_rows // 2)
        return {
            "rows": composition.n_rows,
            "compose: rows/s": composition.n_rows / composed,
            "compose: peak MB": peak_composed,
            "compose: growth over start, MB": peak_composed - before,
            "statistics: rows/s": composition.n_rows / counted,
            "statistics: peak MB": peak_counted,
            "opened again: s": opened,
            "opened again: MB not mapped": anonymous_mb() - held,
            "Arrow file, MB": sum(Path(one["filename"]).stat().st_size for one in dataset.cache_files) / 1e6,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[20_000, 200_000])
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(one_size(arguments.one)))
        return
    runs = []
    for n_rows in arguments.rows:
        command = [sys.executable, __file__, "--one", str(n_rows)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        runs.append(json.loads(done.stdout))
    for name in runs[0]:
        figures = "".join(f"{run[name]:>14,.3f}" if run[name] < 10 else f"{run[name]:>14,.0f}" for run in runs)
        print(f"{name:<34}{figures}{runs[-1][name] / runs[0][name]:>10.2f} x" if runs[0][name] else f"{name}{figures}")


if __name__ == "__main__":
    main()
