import math
import random

import nltk
import pytest
import sacrebleu
from rouge_score.rouge_scorer import RougeScorer
from torchmetrics.functional.text import bleu_score, rouge_score

from bimedix2_core.bench.radiology_reports.corpus import corpus_bleu, corpus_chrf, early_multimedeval_bleu
from bimedix2_core.bench.radiology_reports.meteor import meteor
from bimedix2_core.bench.radiology_reports.not_run import NotRun
from bimedix2_core.bench.radiology_reports.overlap import (
    bleu,
    longest_common,
    multimedeval_bleu,
    multimedeval_rouge,
    rouge,
)
from bimedix2_core.errors import DataError

ARABIC = "لا يوجد دليل على التهاب رئوي حاد"
ARABIC_SHORT = "لا يوجد دليل على التهاب رئوي"

PAIRS = [
    ("no acute cardiopulmonary process .", "No acute cardiopulmonary process."),
    ("There is a small left pleural effusion, unchanged.", "Small left pleural effusion is unchanged."),
    ("the the the the", "the lungs are clear"),
    ("no effusion", "no effusion"),
    ("", "Normal chest."),
    ("Heart size is normal. Lungs are clear. No effusion.", "Heart size is normal. Lungs are clear. No pneumothorax."),
]


def test_bleu_of_the_arabic_pair_is_what_its_words_give():
    # 6 of the reference's 7 words, all in order: every precision is 1, brevity penalty exp(1 - 7/6)
    assert bleu(ARABIC_SHORT, ARABIC, 4) == pytest.approx(math.exp(1 - 7 / 6))


@pytest.mark.parametrize("order", [1, 2, 4])
@pytest.mark.parametrize("text", [ARABIC, "لا يوجد", "لا", "no effusion", "normal", "The lungs are clear."])
def test_identical_texts_have_bleu_1_however_short(text, order):
    assert bleu(text, text, order) == 1.0


def test_bleu_by_hand_clips_repeated_words():
    # "the" stands once in the reference: 1 of 4 words; as long as the reference
    assert bleu("the the the the", "the lungs are clear", 1) == 0.25
    # 4 words, 3 pairs: 2 words and 1 pair shared, reference of 3 words: no brevity penalty
    assert bleu("no effusion seen here", "no effusion is", 2) == pytest.approx(math.sqrt(2 / 4 * 1 / 3))


def test_arabic_spelling_and_punctuation_do_not_change_ours():
    assert bleu("دليل على التهاب رئوي حادّ؟", "دليل على إلتهاب رئوي حاد", 4) == 1.0


@pytest.mark.parametrize("other", ["", "   ", "...", "___"])
def test_a_text_without_words_scores_0_and_does_not_crash(other):
    assert [bleu(other, ARABIC, 4), bleu(ARABIC, other, 4), rouge(other, ARABIC)["ROUGE-L"]] == [0.0, 0.0, 0.0]
    assert multimedeval_bleu(other, ARABIC, 1) == 0.0


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("order", [1, 2, 4])
def test_multimedevals_bleu_is_that_of_torchmetrics(pair, order):
    theirs = bleu_score([pair[0]], [[pair[1]]], n_gram=order, weights=[1 / order] * order)

    assert multimedeval_bleu(*pair, order) == pytest.approx(theirs.item(), abs=1e-6)


@pytest.mark.parametrize("pair", [*PAIRS, (ARABIC, ARABIC)])
def test_multimedevals_rouge_is_that_of_torchmetrics_and_so_0_for_identical_arabic_texts(pair):
    theirs = rouge_score(pair[0], pair[1], rouge_keys=("rouge1", "rougeL"))
    found = multimedeval_rouge(*pair)

    assert found["ROUGE-1"] == pytest.approx(theirs["rouge1_fmeasure"].item(), abs=1e-6)
    assert found["ROUGE-L"] == pytest.approx(theirs["rougeL_fmeasure"].item(), abs=1e-6)
    assert (found["ROUGE-L"] == 0.0) == (pair[0] in (ARABIC, ""))


def test_our_rouge_reads_arabic():
    assert rouge(ARABIC, ARABIC) == {"ROUGE-1": 1.0, "ROUGE-L": 1.0}
    # 6 words of 6 and of 7: F = 12 / 13 (shared/notes/evaluation.md, section 5)
    assert rouge(ARABIC_SHORT, ARABIC) == pytest.approx({"ROUGE-1": 12 / 13, "ROUGE-L": 12 / 13})


class WhiteSpace:
    def tokenize(self, text):
        return text.split()


def test_the_longest_common_subsequence_is_that_of_rouge_score_on_random_texts():
    draw = random.Random(0)
    scorer = RougeScorer(["rougeL"], tokenizer=WhiteSpace())
    for _ in range(200):
        ours, theirs = ([draw.choice("abcde") for _ in range(draw.randint(1, 90))] for _ in range(2))
        expected = scorer.score(" ".join(theirs), " ".join(ours))["rougeL"].recall * len(theirs)
        assert longest_common(ours, theirs) == round(expected)


def test_rouge_l_wants_order_and_rouge_1_does_not():
    # longest common subsequence of "clear lungs" and "lungs clear": one word of two
    assert rouge("clear lungs", "lungs clear") == pytest.approx({"ROUGE-1": 1.0, "ROUGE-L": 0.5})


def test_corpus_bleu_and_chrf_are_sacrebleus():
    hypotheses, references = (list(side) for side in zip(*PAIRS, strict=True))

    for order in (1, 4):
        expected = sacrebleu.BLEU(max_ngram_order=order).corpus_score(hypotheses, [references]).score / 100
        assert corpus_bleu(hypotheses, references, order).value == pytest.approx(expected)
    expected = sacrebleu.CHRF(word_order=2).corpus_score(hypotheses, [references]).score / 100
    assert corpus_chrf(hypotheses, references).value == pytest.approx(expected)


def test_early_multimedevals_bleu_is_torchmetrics_over_all_reports_and_not_its_later_mean():
    hypotheses, references = (list(side) for side in zip(*PAIRS, strict=True))

    for order in (1, 4):
        theirs = bleu_score(hypotheses, [[one] for one in references], n_gram=order)
        found = early_multimedeval_bleu(hypotheses, references, order).value
        later = sum(multimedeval_bleu(*pair, order) for pair in PAIRS) / len(PAIRS)
        assert found == pytest.approx(theirs.item(), abs=1e-6)
        assert found != pytest.approx(later, abs=1e-3)


def test_corpus_metrics_of_the_arabic_pair_are_the_measured_ones():
    # shared/notes/evaluation.md, section 5: sacrebleu 2.6.0, 84.6 BLEU
    assert corpus_bleu([ARABIC_SHORT], [ARABIC], 4).value == pytest.approx(0.846, abs=5e-4)
    assert corpus_chrf([ARABIC, ARABIC], [ARABIC, ARABIC]).value == 1.0


def test_corpus_bleu_is_no_mean_over_reports():
    # 1 of 1 and 0 of 9 words: 1 of 10 together (as long as the references), and 0.5 on average
    hypotheses, references = ["normal", "a b c d e f g h i"], ["normal", "q r s t u v w x y"]

    assert corpus_bleu(hypotheses, references, 1).value == pytest.approx(0.1)


def test_a_corpus_interval_holds_its_value_and_is_wider_over_few_patients():
    good, bad = ("no acute process in the chest today", "no acute process in the chest"), ("x y z", "clear lungs")
    pairs = [good, bad] * 80
    hypotheses, references = (list(side) for side in zip(*pairs, strict=True))
    patients = [f"{is_bad} {index // 4}" for index in range(80) for is_bad in (False, True)]  # 40, alike inside

    apart = corpus_bleu(hypotheses, references, 1)
    together = corpus_bleu(hypotheses, references, 1, patients)

    assert apart.low < apart.value < apart.high
    assert (together.value, together.n_clusters) == (apart.value, 40)
    assert together.high - together.low > 1.5 * (apart.high - apart.low)


def test_a_corpus_of_nothing_or_unpaired_is_an_error():
    with pytest.raises(DataError, match="no reports"):
        corpus_bleu([], [], 4)
    with pytest.raises(DataError, match="2 reports but 1 references"):
        corpus_chrf(["a", "b"], ["a"])


def test_meteor_without_wordnet_is_not_run_even_where_it_would_not_be_asked(monkeypatch, tmp_path):
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])

    found = meteor(["no effusion"], ["no effusion"])

    assert isinstance(found, NotRun)
    assert str(found).startswith("not run: needs wordnet and punkt_tab")


LICENCE = "  1 WordNet 3.0 Copyright 2006 by nobody: these are two words made up for a test  \n"
OFFSET = f"{len(LICENCE):08d}"


@pytest.fixture
def tiny_wordnet(monkeypatch, tmp_path):
    """nltk's data with a WordNet of one synset (big, broad, enlarged), and a punkt that knows nothing."""
    wordnet, punkt = tmp_path / "corpora/wordnet", tmp_path / "tokenizers/punkt_tab/english"
    wordnet.mkdir(parents=True)
    punkt.mkdir(parents=True)
    for part in ("noun", "verb", "adj", "adv"):
        for name in (f"data.{part}", f"index.{part}", f"{part}.exc"):
            (wordnet / name).write_text("")
    (wordnet / "data.adj").write_text(f"{LICENCE}{OFFSET} 00 a 03 big 0 broad 0 enlarged 0 000 | of great size  \n")
    (wordnet / "index.adj").write_text(
        "".join(f"{word} a 1 0 1 0 {OFFSET}  \n" for word in ("big", "broad", "enlarged"))
    )
    (wordnet / "index.sense").write_text("")
    (wordnet / "lexnames").write_text("00\tadj.all\t3\n")
    for name in ("abbrev_types.txt", "collocations.tab", "sent_starters.txt", "ortho_context.tab"):
        (punkt / name).write_text("")
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])


def test_meteor_counts_synonyms(tiny_wordnet):
    found = meteor(["no broad heart", "", "no effusion"], ["no big heart", "normal", "no effusion"])

    # three of three words in one run: 1 - 0.5 (1/3)^3; nothing; two of two words in one run: 1 - 0.5 (1/2)^3
    assert found == pytest.approx([1 - 0.5 / 27, 0.0, 1 - 0.5 / 8])


def test_meteor_looks_a_synonym_up_by_its_stem_as_nltk_does(tiny_wordnet):
    # "enlarged" is looked up as "enlarg", which is no word: two of three words in two runs, 2/3 (1 - 0.5)
    assert meteor(["no enlarged heart"], ["no big heart"]) == pytest.approx([1 / 3])
