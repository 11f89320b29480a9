from decimal import Decimal

from bimedix2_core.paper import bimedix1


def test_one_printed_average_is_not_the_mean_of_its_cells_and_all_others_are():
    rows = bimedix1.average_table().rows

    assert len(rows) == 5 + 3 + 3  # rows of the three tables
    assert [row for row in rows if row[-1] != "yes"] == [
        ("BiMediX Arabic table", "BiMediX (Bilingual)", Decimal("56.5"), Decimal("57.34"), "NO, +0.8")
    ]
