"""Captions: the figures of PMC-OA. LLaVA-Med's captions are conversations and are read by `sources.llava`.

Layout: the card and the loading script of axiong/pmc_oa.
"""

from bimedix2_core.data.sources.card import NOT_STATED, Reading, Source, SourceCard
from bimedix2_core.data.sources.images import named_images, with_image
from bimedix2_core.data.sources.reading import Place, Record, facts_of, text_at
from bimedix2_core.records import Row, message

PMC_OA_FACTS = ("pmcid", "url_name", "alignment_type", "alignment_score")


def pmc_oa(place: Place, record: Record, reading: Reading) -> Row:
    """A figure and its caption. Nothing is asked: the user's turn is the image and an empty text."""
    name = text_at(record, "image")
    row = Row(
        id=place.id,
        language=reading.language,
        task="caption",
        source=reading.source,
        messages=[message("user", ""), message("assistant", text_at(record, "caption").strip())],
        facts={"image": name} | facts_of(record, PMC_OA_FACTS),
    )
    return with_image(row, named_images([name], reading))


SOURCES = (
    Source(
        SourceCard(
            "pmc_oa",
            "PMC-OA",
            "axiong/pmc_oa",
            NOT_STATED,
            "Lin et al., PMC-CLIP, arXiv 2303.07240",
            "pmc_oa.jsonl (captions divided by ChatGPT) or pmc_oa_beta.jsonl (whole captions), to be downloaded: the "
            "hub serves them by a loading script, which `datasets` no longer runs. Each article has its own licence. "
            "Table 12's PMC rows are probably made from a part of it (inferred).",
        ),
        pmc_oa,
        language="en",
    ),
)
