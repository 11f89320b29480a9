"""Small items and reviews for the tests of the expert review."""

from bimedix2_core.data.review.items import Review, ReviewItem, text_key


def item(name, *, source="slake", modality="text", english=None, arabic=None, score=None, flags=()) -> ReviewItem:
    english = f"[User]\nIs it on the left?\n\n[Assistant]\nYes, {name}." if english is None else english
    arabic = f"[المستخدم]\nهل هي في اليسار؟\n\n[المساعد]\nنعم، {name}." if arabic is None else arabic
    return ReviewItem(str(name), source, modality, english, arabic, score, flags)


def review(
    one: ReviewItem, verdict: str, *, by: str = "Dr A", category: str = "", corrected: str = "", **said: str
) -> Review:
    return Review(one.id, by, verdict, text_key(one.arabic), category, corrected, **said)
