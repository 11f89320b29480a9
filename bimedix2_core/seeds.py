"""Seeds: the demo's figures over several seeds of Stage 1 and Stage 2 on one base, published in outputs/reference.

One run shows what a reader will see; a median over seeds shows that it was no luck. ``python -m bimedix2_core.seeds``
trains and examines each seed in turn, writes three_seeds.csv, and puts the table into the README.
"""

import argparse
import resource
import statistics
import tempfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from bimedix2_core.demo import curriculum, exam
from bimedix2_core.demo.three_seeds import REFERENCE_FILE
from bimedix2_core.inference.backends import LocalBackend
from bimedix2_core.inference.caption_loss import caption_loss
from bimedix2_core.paper.exhibits.forms import markdown
from bimedix2_core.paper.exhibits.index import between
from bimedix2_core.paper.tables import Table, csv_text
from bimedix2_core.params import Params, load_params
from bimedix2_core.recipe import load_base, stage1_samples, stage2_samples
from bimedix2_core.runs import JsonlStore, root, start_run, write_atomic
from bimedix2_core.training.stage1 import train_stage1
from bimedix2_core.training.stage2 import train_stage2

README_MARKERS = (
    "<!-- figures: begin (written by python -m bimedix2_core.seeds) -->\n",
    "<!-- figures: end -->",
)

Figures = dict[str, float]
"""Figures of one seed by name."""


def figures_of(params: Params, *, folder: Path) -> Figures:
    """Train both stages with the profile's seed and examine the result."""
    seed, batch_size = params.run.seed, params.inference.batch_size
    n_caption = params.benchmarks.medical_vqa.n_caption
    captions = curriculum.held_out_captions(n_caption, seed=0)
    reworded = curriculum.held_out_captions(n_caption, seed=0, new_wording=True)
    questions = exam.draw_questions(params.benchmarks.medical_vqa, seed=0)
    controls = {"no image": exam.no_image(questions), "wrong image": exam.wrong_image(questions, seed=0)}
    store = JsonlStore(folder / "predictions.jsonl")

    lmm = load_base(params)
    stage1 = train_stage1(lmm, stage1_samples(params), settings=params.stage1, seed=seed, folder=folder / "stage1")
    after_stage1 = [caption_loss(lmm, asked, batch_size=batch_size, seed=0) for asked in (captions, reworded)]
    stage2 = train_stage2(lmm, stage2_samples(params), settings=params.stage2, seed=seed, folder=folder / "stage2")
    after_stage2 = [caption_loss(stage2.lmm, asked, batch_size=batch_size, seed=0) for asked in (captions, reworded)]
    backend = LocalBackend(stage2.lmm, params.inference)
    answers = exam.answer(backend, questions, store=store)
    answered = exam.answer_each(backend, controls, store=store)
    tests = exam.tested_controls(controls, answered)
    return {
        **exam.summary(exam.rows(questions, answers)),
        "caption loss, true over shuffled, after Stage 1": after_stage1[0].ratio,
        "caption loss, true over shuffled, after Stage 2": after_stage2[0].ratio,
        "the same in a new wording, after Stage 1": after_stage1[1].ratio,
        "the same in a new wording, after Stage 2": after_stage2[1].ratio,
        "smallest p of a control above the majority (Holm)": min(test.p_holm for test in tests),
        "Stage 1, seconds": stage1.seconds,
        "Stage 2, seconds": stage2.log.seconds,
        "peak memory, GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }


def table(runs: Sequence[Figures]) -> list[list[str]]:
    """Header and one row per figure: each seed, then the median."""
    header = ["demo figure", *(f"seed {seed}" for seed in range(len(runs))), "median"]
    rows = [
        [name, *(f"{run[name]:.3f}" for run in runs), f"{statistics.median(run[name] for run in runs):.3f}"]
        for name in runs[0]
    ]
    return [header, *rows]


def as_markdown(rows: Sequence[Sequence[str]]) -> str:
    """The table as Markdown, numbers to the right."""
    header, *body = rows
    cells = tuple((name, *(Decimal(number) for number in numbers)) for name, *numbers in body)
    return markdown(Table(tuple(header), cells))


def with_figures(readme: str, figures: str) -> str:
    """The README with the table between its markers.

    Raises:
        DataError: the two markers are not there once each, in this order.
    """
    return between(readme, README_MARKERS, figures)


def main() -> None:
    """Run the seeds and publish the table."""
    parser = argparse.ArgumentParser(description="The demo's figures over several seeds (about 6 minutes each).")
    parser.add_argument("--params", default="params/demo.yaml")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    runs = []
    for seed in range(arguments.seeds):
        params = load_params(arguments.params, {"run.seed": seed})
        start_run("seeds", params)
        with tempfile.TemporaryDirectory() as folder:
            runs.append(figures_of(params, folder=Path(folder)))
        rows = table(runs)
        print(as_markdown(rows), flush=True)
    write_atomic(root() / REFERENCE_FILE, csv_text(rows[0], rows[1:]))
    readme = root() / "README.md"
    write_atomic(readme, with_figures(readme.read_text(encoding="utf-8"), as_markdown(rows)))


if __name__ == "__main__":
    main()
