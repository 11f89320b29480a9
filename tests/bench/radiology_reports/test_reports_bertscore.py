import math

import pytest
import torch
from tiny_encoder import WORDS, write_encoder
from torchmetrics.functional.text.bert import bert_score
from transformers import BertModel, PreTrainedTokenizerFast

from bimedix2_core.bench.radiology_reports.bertscore import Encoder, rescaled
from bimedix2_core.bench.radiology_reports.bertscore import bertscore as all_bertscores
from bimedix2_core.errors import DataError


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    folder = write_encoder(tmp_path_factory.mktemp("tiny_encoder"))
    return Encoder(folder, layer=2, languages=("en", "ar"), batch_size=2)


def bertscore(hypotheses, references, encoder, *, idf="none"):
    return all_bertscores(hypotheses, references, encoder, idfs=(idf,))[idf]


HYPOTHESES = ["no effusion", "clear lungs no", "", "لا يوجد انصباب"]
REFERENCES = ["no effusion", "effusion", "clear lungs", "لا يوجد انصباب"]


def test_identical_texts_score_1_in_both_languages_and_an_empty_one_0(encoder):
    found = bertscore(HYPOTHESES, REFERENCES, encoder)

    assert found == pytest.approx([1.0, found[1], 0.0, 1.0], abs=1e-6)
    assert -1.0 < found[1] < 0.999


def by_hand(encoder, hypothesis, reference, idf):
    """BERTScore's F with greedy matching written out; special tokens match, but have no weight."""
    model = BertModel.from_pretrained(encoder.path).eval()

    def states(text):
        ids = torch.tensor([[1, *(WORDS.index(word) for word in text.split()), 2]])
        with torch.no_grad():
            return model(ids, output_hidden_states=True).hidden_states[encoder.layer][0]

    ours, theirs = states(hypothesis), states(reference)
    best = torch.nn.functional.cosine_similarity(ours[:, None], theirs[None], dim=-1)
    weight_p = [idf(word) for word in hypothesis.split()]
    weight_r = [idf(word) for word in reference.split()]
    precision = sum(w * best[i + 1].max().item() for i, w in enumerate(weight_p)) / sum(weight_p)
    recall = sum(w * best[:, i + 1].max().item() for i, w in enumerate(weight_r)) / sum(weight_r)
    return 2 * precision * recall / (precision + recall)


def test_the_score_is_that_of_the_formula(encoder):
    found = bertscore(HYPOTHESES, REFERENCES, encoder)

    assert found[1] == pytest.approx(by_hand(encoder, "clear lungs no", "effusion", lambda word: 1.0), abs=1e-5)


def test_idf_comes_from_the_side_that_is_named(encoder):
    hypotheses, references = ["clear lungs no", "no effusion"], ["effusion no", "no clear lungs"]
    # log((N + 1) / (n + 1)) with N = 2: a word in one text of two, in both, in none
    one, both, none = math.log(3 / 2), math.log(3 / 3), math.log(3)
    of_hypotheses = {"clear": one, "lungs": one, "no": both, "effusion": one}
    of_references = {"effusion": one, "no": both, "clear": one, "lungs": one}

    for idf, weights in (("hypotheses", of_hypotheses), ("references", of_references)):
        found = bertscore(hypotheses, references, encoder, idf=idf)
        expected = by_hand(encoder, hypotheses[0], references[0], lambda word, w=weights: w.get(word, none))
        assert found[0] == pytest.approx(expected, abs=1e-5)


def test_idf_of_hypotheses_and_of_references_differ_where_their_words_do(encoder):
    hypotheses, references = ["no no clear", "no clear"], ["effusion clear lungs", "no lungs"]

    first = bertscore(hypotheses, references, encoder, idf="hypotheses")
    second = bertscore(hypotheses, references, encoder, idf="references")

    assert first[0] != pytest.approx(second[0], abs=1e-4)


def test_the_same_text_for_every_report_has_no_weight_at_all_with_idf_of_hypotheses(encoder):
    # as bert-score: log(3 / 3) is the weight of each token, so MultiMedEval gives a constant model 0
    assert bertscore(["no effusion"] * 2, ["no effusion", "clear"], encoder, idf="hypotheses") == [0.0, 0.0]


def test_all_weightings_in_one_pass_are_those_of_single_passes(encoder):
    idfs = ("none", "hypotheses", "references")

    together = all_bertscores(HYPOTHESES, REFERENCES, encoder, idfs=idfs)

    assert together == {idf: pytest.approx(bertscore(HYPOTHESES, REFERENCES, encoder, idf=idf)) for idf in idfs}


def test_batches_do_not_change_a_score(encoder):
    single = Encoder(encoder.path, layer=2, batch_size=1)

    assert bertscore(HYPOTHESES, REFERENCES, single) == pytest.approx(
        bertscore(HYPOTHESES, REFERENCES, encoder), abs=1e-6
    )


def test_the_score_is_near_that_of_torchmetrics_where_special_tokens_win_no_match(encoder):
    model = BertModel.from_pretrained(encoder.path)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(encoder.path)

    def tokenise(texts, max_length):
        return tokenizer(texts, padding="max_length", max_length=max_length, truncation=True, return_tensors="pt")

    theirs = bert_score(
        ["no effusion"], ["no effusion"], model=model, user_tokenizer=tokenizer, num_layers=2, max_length=12,
        truncation=True,
    )["f1"]  # fmt: skip

    assert float(theirs) == pytest.approx(bertscore(["no effusion"], ["no effusion"], encoder)[0], abs=1e-5)


def test_a_text_longer_than_the_encoder_is_cut(encoder):
    long = "no effusion " * 20

    assert bertscore([long], [long + "clear lungs"], encoder) == pytest.approx([1.0], abs=1e-6)


def test_rescaling_puts_the_baseline_at_0(encoder):
    known = Encoder(encoder.path, baseline=0.8)

    assert rescaled([0.8, 1.0, 0.0], known) == pytest.approx([0.0, 1.0, -4.0])
    with pytest.raises(DataError, match="no baseline"):
        rescaled([1.0], Encoder(encoder.path, baseline=None))


def test_bad_requests_say_what_is_wrong(encoder, tmp_path):
    with pytest.raises(DataError, match="2 reports but 1 references"):
        bertscore(["a", "b"], ["a"], encoder)
    with pytest.raises(DataError, match="give two or more"):
        bertscore(["a"], ["a"], encoder, idf="references")
    with pytest.raises(DataError, match="no such folder"):
        bertscore(["a"], ["a"], Encoder(tmp_path / "nothing"))
    with pytest.raises(DataError, match="layer 5 of 2"):
        bertscore(["no"], ["no"], Encoder(encoder.path, layer=5))
