"""BERTScore: how near each token of a report is to the nearest one of its reference, in an encoder's own space.

The rules are those of bert-score 0.3.13, which itself breaks under transformers 5: hidden states of one layer; every
token may match the two special ones, which have no weight themselves; texts are cut at the encoder's length. Weights of
the tokens are alike, or their inverse document frequency (idf) over the hypotheses, as in MultiMedEval, or over the
references. With idf the score of one report depends on all others, and where all reports are the same text every
weight, and so every score, is 0.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bimedix2_core.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

Idf = Literal["none", "hypotheses", "references"]

DISTILROBERTA_LAYER = 5
"""bert-score's layer of distilroberta-base, the encoder of RadCliQ and MultiMedEval."""
DISTILROBERTA_BASELINE = 0.8473319
"""F of unrelated English sentences at that layer (bert-score 0.3.13, rescale_baseline/en/distilroberta-base.tsv)."""


@dataclass(frozen=True)
class Encoder:
    """An encoder on this machine, and how it is read."""

    path: Path | str
    """Folder of the weights and the tokenizer."""
    layer: int = DISTILROBERTA_LAYER
    """Hidden states that are compared; 0 are the embeddings."""
    baseline: float | None = DISTILROBERTA_BASELINE
    """F of unrelated texts, for the rescaled score; None where it is not known for this encoder."""
    languages: tuple[str, ...] = ("en",)
    """The languages it knows; BERTScore is not defined in others."""
    batch_size: int = 32
    device: str = "cpu"

    @property
    def name(self) -> str:
        """Name for a definition, such as ``distilroberta-base layer 5``."""
        return f"{Path(self.path).name} layer {self.layer}"


def bertscore(
    hypotheses: Sequence[str], references: Sequence[str], encoder: Encoder, *, idfs: Sequence[Idf] = ("none",)
) -> dict[Idf, list[float]]:
    """F of each report under each weighting, -1 to 1, not rescaled; 0 where a text is empty.

    Args:
        hypotheses: the generated reports.
        references: theirs, in the same order.
        encoder: weights on this machine; nothing is downloaded.
        idfs: how tokens are weighted; the encoder reads each report once for all of them.

    Raises:
        DataError: the texts don't pair up, idf over fewer than two texts, or the encoder is not there or too shallow.
    """
    if len(hypotheses) != len(references):
        raise DataError(f"{len(hypotheses)} reports but {len(references)} references; they must pair up one to one")
    if set(idfs) != {"none"} and len(hypotheses) < 2:
        raise DataError(f"BERTScore with idf over {len(hypotheses)} reports; every weight would be 0: give two or more")
    if not Path(encoder.path).is_dir():
        raise DataError(f"{encoder.path}: no such folder; download the encoder's weights and tokenizer into it")
    written, expected = [text.strip() for text in hypotheses], [text.strip() for text in references]
    ids = _token_ids(sorted({*written, *expected}), encoder)
    counted = {"none": [], "hypotheses": written, "references": expected}
    weights = {idf: _weights(ids, counted[idf]) for idf in idfs}
    pairs = {pair for pair in zip(written, expected, strict=True) if all(pair)}
    found = {pair: _scores(pair, cosine, weights) for pair, cosine in _cosines(pairs, ids, encoder)}
    nothing = dict.fromkeys(idfs, 0.0)
    return {idf: [found.get(pair, nothing)[idf] for pair in zip(written, expected, strict=True)] for idf in idfs}


def rescaled(scores: Sequence[float], encoder: Encoder) -> list[float]:
    """The same scores with the baseline at 0: (F - baseline) / (1 - baseline); an empty report is far below 0.

    Raises:
        DataError: the encoder has no baseline.
    """
    if encoder.baseline is None:
        raise DataError(f"{encoder.name}: no baseline is known, so its BERTScore cannot be rescaled; name one")
    return [(score - encoder.baseline) / (1 - encoder.baseline) for score in scores]


def _token_ids(texts: Sequence[str], encoder: Encoder) -> dict[str, list[int]]:
    """The tokens of each text, special ones included, at most as many as the encoder has places for."""
    from transformers import AutoConfig, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(encoder.path, local_files_only=True, add_prefix_space=True)
    places = AutoConfig.from_pretrained(encoder.path, local_files_only=True).max_position_embeddings
    longest = min(tokenizer.model_max_length, places)
    return {text: tokenizer(text, truncation=True, max_length=longest)["input_ids"] for text in texts}


def _weights(ids: dict[str, list[int]], texts: Sequence[str]) -> dict[str, list[float]]:
    """The weight of each token: idf over `texts`, or 1 where there are none; special tokens, first and last, have 0."""
    if not texts:
        return {text: [0.0] + [1.0] * (len(tokens) - 2) + [0.0] for text, tokens in ids.items()}
    n_with = Counter(token for text in texts for token in set(ids[text]))
    idf = {token: math.log((len(texts) + 1) / (count + 1)) for token, count in n_with.items()}
    unseen = math.log(len(texts) + 1)
    return {text: [0.0] + [idf.get(token, unseen) for token in tokens[1:-1]] + [0.0] for text, tokens in ids.items()}


def _cosines(
    pairs: Iterable[tuple[str, str]], ids: dict[str, list[int]], encoder: Encoder
) -> Iterator[tuple[tuple[str, str], "Tensor"]]:
    """The cosine of each token of a hypothesis with each of its reference; a batch of pairs is in memory at once."""
    import torch
    from transformers import AutoModel

    model = AutoModel.from_pretrained(encoder.path, local_files_only=True).to(encoder.device).eval()
    if not 0 <= encoder.layer <= model.config.num_hidden_layers:
        raise DataError(f"{encoder.path}: layer {encoder.layer} of {model.config.num_hidden_layers}; name one it has")

    def states(texts: Sequence[str]) -> "list[Tensor]":
        tokens = [torch.tensor(ids[text]) for text in texts]
        padding = model.config.pad_token_id or 0
        ids_BT = torch.nn.utils.rnn.pad_sequence(tokens, batch_first=True, padding_value=padding)
        is_text_BT = torch.arange(ids_BT.shape[1])[None] < torch.tensor([len(one) for one in tokens])[:, None]
        with torch.inference_mode():
            found = model(
                ids_BT.to(encoder.device),
                attention_mask=is_text_BT.long().to(encoder.device),
                output_hidden_states=True,
            )
        hidden_BTD = torch.nn.functional.normalize(found.hidden_states[encoder.layer], dim=-1)
        return [hidden_TD[: len(one)] for hidden_TD, one in zip(hidden_BTD, tokens, strict=True)]

    longest_first = sorted(pairs, key=lambda pair: (-max(len(ids[text]) for text in pair), pair))
    for start in range(0, len(longest_first), encoder.batch_size):
        batch = longest_first[start : start + encoder.batch_size]
        both = (states(side) for side in zip(*batch, strict=True))
        for pair, ours_TD, theirs_TD in zip(batch, *both, strict=True):
            yield pair, (ours_TD @ theirs_TD.T).cpu()


def _scores(pair: tuple[str, str], cosine: "Tensor", weights: dict[Idf, dict[str, list[float]]]) -> dict[Idf, float]:
    """F of a pair under each weighting; 0 where a text has no weight."""
    best_of_ours, best_of_theirs = cosine.max(1).values.tolist(), cosine.max(0).values.tolist()
    found: dict[Idf, float] = {}
    for idf, weight_of in weights.items():
        precision, recall = _mean(best_of_ours, weight_of[pair[0]]), _mean(best_of_theirs, weight_of[pair[1]])
        both = precision + recall
        found[idf] = max(-1.0, min(1.0, 2 * precision * recall / both)) if both else 0.0
    return found


def _mean(values: list[float], weights: list[float]) -> float:
    total = sum(weights)
    return sum(value * weight for value, weight in zip(values, weights, strict=True)) / total if total else 0.0
