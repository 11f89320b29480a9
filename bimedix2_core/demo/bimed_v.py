"""BiMed-V's sources as the demo has them: small files in the published formats, filled with phantoms and the grammar.

``write_sources`` draws them, so that the readers of ``data.sources`` read the demo as they read what is published.
Three things are done on purpose:

- a few rows are broken in ways that published files are, for the readers to count;
- a few rows hold questions or images of the demo's own benchmark, for decontamination to find (see ``planted``);
- one source has too few rows, for composition to state.
"""

import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.demo import corpus, curriculum, stand_ins
from bimedix2_core.demo.phantoms import Truth, draw
from bimedix2_core.demo.planted import Leak, leaks_of, png
from bimedix2_core.demo.record_files import (
    write_csv,
    write_json_by_id,
    write_json_lines,
    write_json_list,
    write_parquet,
)
from bimedix2_core.demo.stand_ins import Case, Record, ToRecords
from bimedix2_core.errors import DataError
from bimedix2_core.params import MedicalVqaParams
from bimedix2_core.records import Row, Sample
from bimedix2_core.runs import write_atomic

SOURCE_SEEDS = 10_000_000
"""Image seeds of the stand-ins begin here, apart from all that is trained on, shown and tested."""

SEEDS_PER_SOURCE = 1_000_000

ARABIC = "_ar"

DRAWN = "a demo drawn by this project, in the published form; the published set"
"""What a data card says of a stand-in's terms, before those of the set it stands for."""

PLANTED = "planted.json"

SHORT_OF = {"medqa_ar": 5}
"""Rows that a source lacks of what the recipe wants."""

SPARE = 8
"""Of so many rows wanted a source has one more, so that there is something to draw from."""


@dataclass(frozen=True)
class _Form:
    """How a source is made and kept."""

    to_records: ToRecords
    ending: str
    write: Callable[[Path, Sequence[Record]], Path]
    broken: Callable[[Record], Record | str] | None = None
    """Makes the last record one that cannot be read."""
    rows_per_image: int = 0
    """Questions on each image; 0 for a text."""


def write_sources(folder: Path, wanted: Mapping[str, int], *, seed: int) -> dict[str, Path]:
    """Draw all sources and write each in its published format.

    Args:
        folder: one folder for each source and its Arabic twin, which share ids and images.
        wanted: rows of each source that composition will ask for; there are a few more.
        seed: of every drawing.

    Returns:
        The file of each source.

    Raises:
        DataError: a source is wanted that has no stand-in.
    """
    unknown = sorted({name.removesuffix(ARABIC) for name in wanted} - set(_FORMS))
    if unknown:
        raise DataError(f"no stand-in for {', '.join(unknown)}; there is one for each of {', '.join(_FORMS)}")
    files, leaks = {}, []
    for number, (source_id, form) in enumerate(_FORMS.items()):
        ids = [one for one in (source_id, f"{source_id}{ARABIC}") if wanted.get(one)]
        if not ids:
            continue
        counts = {one: _available(one, wanted[one]) for one in ids}
        first_seed = SOURCE_SEEDS + SEEDS_PER_SOURCE * (len(_FORMS) * seed + number)
        home = folder / source_id
        cases = _cases(source_id, form, max(counts.values()), home / "images", first_seed=first_seed, seed=seed)
        records = [form.to_records(case) for case in cases]
        planted = leaks_of(source_id, home / "images", seed=seed)
        for one, n in counts.items():
            language = "ar" if one.endswith(ARABIC) else "en"
            own = [(leak, record) for leak, record in planted if leak.source == one]
            rows = [record[language] for record in records[:n]] + [record for _, record in own]
            broken = [form.broken(rows[0])] if form.broken and language == "en" else []
            files[one] = form.write(home / f"demo{'.ar' * (language == 'ar')}{form.ending}", rows + broken)
            leaks += [leak for leak, _ in own]
    write_atomic(folder / PLANTED, json.dumps([asdict(leak) for leak in leaks], indent=1) + "\n")
    return {source_id: files[source_id] for source_id in wanted if source_id in files}


def planted_leaks(folder: Path) -> tuple[Leak, ...]:
    """The leaks that ``write_sources`` planted; none where it wrote nothing, as the sources are real."""
    file = folder / PLANTED
    return tuple(Leak(**leak) for leak in json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else ()


def exam_rows(sizes: MedicalVqaParams, images: ImageStore, *, seed: int) -> dict[str, list[Row]]:
    """The demo's own benchmark as rows, English and Arabic, its images stored: what training must not hold."""
    drawn = {
        "demo_closed": curriculum.held_out_closed(sizes.n_closed, seed=seed),
        "demo_side": curriculum.held_out_closed(sizes.n_side, seed=seed, kinds=curriculum.SIDE_KINDS),
        "demo_open": curriculum.held_out_open(sizes.n_open, seed=seed),
        "demo_choice": curriculum.held_out_choice(sizes.n_choice, seed=seed),
        "demo_caption": curriculum.held_out_captions(sizes.n_caption, seed=seed),
        "demo_follow_up": curriculum.held_out_follow_up(sizes.n_follow_up, seed=seed),
    }
    return {name: _rows(samples, images) for name, samples in drawn.items()}


def _rows(samples: Iterable[Sample], images: ImageStore) -> list[Row]:
    """Stored rows; the image of twins is stored once."""
    keys: dict[str, tuple[str, ...]] = {}
    rows = []
    for one in samples:
        if one.id not in keys:
            keys[one.id] = tuple(images.add(png(image), name=one.id) for image in one.images)
        rows.append(Row(one.id, one.language, one.task, one.source, one.messages, keys[one.id], one.kind, one.choices))
    return rows


# --- cases ------------------------------------------------------------------------------------------------------------


def _available(source_id: str, wanted: int) -> int:
    return max(1, wanted - SHORT_OF[source_id]) if source_id in SHORT_OF else wanted + -(-wanted // SPARE)


def _cases(source_id: str, form: _Form, n: int, images: Path, *, first_seed: int, seed: int) -> list[Case]:
    """The cases of a source; several questions share an image, its truth and its file."""
    truths = random.Random(f"truths of {source_id} {seed}")
    cases, truth, name, content = [], Truth("cxr", "normal"), "", b""
    for number in range(n):
        if number % max(1, form.rows_per_image) == 0:
            truth = corpus.even_truth(truths)
            if form.rows_per_image:
                images.mkdir(parents=True, exist_ok=True)
                name = f"demo-phantom-{number // form.rows_per_image:05d}.png"
                content = png(draw(truth, first_seed + number // form.rows_per_image))
                (images / name).write_bytes(content)
        chance = random.Random(f"{source_id} {seed} {number}")
        cases.append(Case(f"demo-{source_id}-{number}", truth, chance, name, content))
    return cases


# --- rows that cannot be read -----------------------------------------------------------------------------------------


def _without(name: str) -> Callable[[Record], Record]:
    return lambda record: {key: value for key, value in record.items() if key != name}


def _with(**changes: object) -> Callable[[Record], Record]:
    return lambda record: record | changes


def _cut_line(record: Record) -> str:
    line = json.dumps(record, ensure_ascii=False)
    return line[: len(line) // 2]


_FORMS = {
    "pubmedqa": _Form(stand_ins.pubmedqa, ".json", write_json_by_id,
                      _with(id="demo-pubmedqa-broken", final_decision="?")),
    "medmcqa": _Form(stand_ins.medmcqa, ".json", write_json_lines, _with(id="demo-medmcqa-broken", cop=7)),
    "medqa": _Form(stand_ins.medqa, ".jsonl", write_json_lines, _cut_line),
    "single_turn_qa": _Form(stand_ins.single_turn, ".json", write_json_list, _with(conversations=[])),
    "multi_turn_conversation": _Form(stand_ins.multi_turn, ".json", write_json_list),
    "pmc_mcq": _Form(stand_ins.pmc_vqa, ".csv", write_csv, rows_per_image=1),
    "llava_med_subset_to_conv": _Form(stand_ins.image_conversation, ".json", write_json_list, rows_per_image=1),
    "rad_vqa": _Form(stand_ins.rad_vqa, ".json", write_json_list, _without("answer"), rows_per_image=4),
    "slake_vqa": _Form(stand_ins.slake, ".json", write_json_list, rows_per_image=4),
    "pmc_vqa": _Form(stand_ins.pmc_vqa, ".csv", write_csv, _without("Answer_label"), rows_per_image=1),
    "path_vqa": _Form(stand_ins.path_vqa, ".parquet", write_parquet, _with(image={"bytes": b"cut", "path": "demo.png"}),
                      rows_per_image=4),
    "llava_med_to_qa": _Form(stand_ins.image_questions, ".json", write_json_list, _with(image="demo-not-there.png"),
                             rows_per_image=1),
}  # fmt: skip
"""By English source; the Arabic twin has the same form."""
