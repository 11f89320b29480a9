import csv

import pytest
from review_items import item
from shared_data import real

from bimedix2_core.data.review.reading import read_sheet
from bimedix2_core.data.review.scripted import scripted_reviews
from bimedix2_core.data.review.sheet import write_csv, write_xlsx


@pytest.fixture
def real_items():
    """Real exam questions and their machine translations, which correspond by position."""
    english, arabic = (real(f"mmlu_medical_{one}/college_medicine_test.csv") for one in ("en", "ar"))
    with english.open(encoding="utf-8", newline="") as first, arabic.open(encoding="utf-8", newline="") as second:
        pairs = zip(list(csv.reader(first))[1:], csv.reader(second), strict=True)
        return [
            item(f"{index:04}", source="mmlu", english="\n".join(one), arabic="\n".join(other))
            for index, (one, other) in enumerate(pairs)
        ]


@pytest.mark.parametrize(("write", "name"), [(write_xlsx, "a.xlsx"), (write_csv, "a.csv")])
def test_real_texts_come_back_from_a_filled_sheet_without_any_problem(tmp_path, real_items, write, name):
    truth = {one.id: ("none", "minor", "major")[index % 3] for index, one in enumerate(real_items)}
    corrected = {one.id: one.arabic + " (مصحح)" for one in real_items}
    reviews = scripted_reviews(real_items, truth, name="1", seed=0, corrected=corrected)
    file = write(tmp_path / name, real_items, reviewer=reviews[0].reviewer, reviews=reviews)

    sheet = read_sheet(file, real_items)

    assert len(real_items) == 173
    assert (sheet.reviews, sheet.not_reviewed) == (reviews, ())
