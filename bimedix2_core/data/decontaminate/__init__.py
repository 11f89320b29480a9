"""Decontamination: which training rows hold what a benchmark asks, and which benchmark items are clean.

    benchmarks ------> Index.build ----.
    training rows ---> scan ----------> index.check -> matches -> tally -> report.json, counts.csv, items.csv
                        '--> row and its clean flag, for composition      '-> clean_ids, for benchmarks

Texts are compared exactly after normalisation (`text`) and by runs of 13 words (`overlap`), images byte for byte and by
perceptual hash (`images`). The kinds of match and the numbers behind them, with their sources, stand in `index`.
"""

from bimedix2_core.data.decontaminate.images import ImageHashes, hash_images, perceptual_hash
from bimedix2_core.data.decontaminate.index import KINDS, LEAKS, Index, Match, Settings, image_ids
from bimedix2_core.data.decontaminate.report import Checked, Report, Tally, read_report, scan, write_report

__all__ = [
    "KINDS",
    "LEAKS",
    "Checked",
    "ImageHashes",
    "Index",
    "Match",
    "Report",
    "Settings",
    "Tally",
    "hash_images",
    "image_ids",
    "perceptual_hash",
    "read_report",
    "scan",
    "write_report",
]
