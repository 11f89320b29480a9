"""Parts held against benchmarks: the flag of each row, and the report."""

import tiny

from bimedix2_core.data.compose.selection import Part
from bimedix2_core.data.decontaminate import Index
from bimedix2_core.data.decontaminate.parts import check_parts, hash_stored, image_keys
from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.records import Row, message

QUESTION = "A boy of six limps after a fall; which bone of the leg is most often broken?"


def row(name, question=QUESTION, answer="The tibia.", *, source="published name", language="en", images=()):
    turns = [message("user", question, images=len(images)), message("assistant", answer)]
    return Row(name, language, "qa", source, turns, images=images)


def part(source_id, *rows):
    return Part(source_id, lambda: iter(rows))


def test_a_row_is_known_by_source_language_and_id():
    index = Index.build({"exam": [row("q")]})
    leak, other = row("a", source="one"), row("a", "Where is the heart?", "Left.", source="two")

    checkup = check_parts([part("one", leak), part("two", other)], index)

    assert list(checkup.leaks) == [("one", "en", "a")]
    assert not checkup.is_clean(leak)
    assert checkup.is_clean(other)
    assert checkup.is_clean(row("a", source="one", language="ar"))


def test_the_report_counts_every_row_of_every_part():
    index = Index.build({"exam": [row("q")]})

    report = check_parts([part("one", row("a", source="one"), row("b", "Hm?", source="one"))], index).report

    assert report.sources["one"]["rows"] == 2
    assert report.sources["one"]["unclean"] == 1
    assert report.clean_ids("exam") == []


def test_only_leaks_are_kept_not_every_equal_question():
    index = Index.build({"exam": [row("q", "Is there a fracture?", "Yes.")]})

    checkup = check_parts([part("one", row("a", "Is there a fracture?", "No.", source="one"))], index)

    assert checkup.leaks == {}
    assert [(count.kind, count.rows) for count in checkup.report.counts] == [("question", 1)]


def test_stored_images_are_hashed_once_each_and_a_flat_one_is_told(tmp_path):
    store = ImageStore(tmp_path)
    flat = tmp_path / "flat.png"
    tiny.colour_image(90).save(flat)
    key = store.add(flat)

    hashes = hash_stored(store, [key, key])

    assert hashes.flat == {key}
    assert image_keys({"one": [row("a", images=(key,))], "two": [row("b"), row("c", images=(key,))]}) == {key}
