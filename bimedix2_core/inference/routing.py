"""Routing: which experts of a mixture the tokens of each language go to, counted by running the model.

Every text is read as a conversation, through the tokenizer's chat template. Only the tokens of what is said are
counted: all turns' texts, without the template's own words, special tokens and padding, which are the same in both
languages and would make them look alike.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm
from transformers.models.mixtral.modeling_mixtral import MixtralTopKRouter

from bimedix2_core.bench.expert_use import Routing, TokenUse
from bimedix2_core.errors import DataError, ModelError
from bimedix2_core.inference.said_tokens import SaidTokens, said_tokens
from bimedix2_core.model.inputs import pad_lists
from bimedix2_core.model.text_model import TextModel
from bimedix2_core.records import LANGUAGES, Sample


@dataclass(frozen=True)
class _Batch:
    """What the routers did with some texts."""

    indices: list[int]
    """Which texts."""
    chosen: Tensor
    """int64[L, B, T, K]: the experts of each token."""
    probability: Tensor
    """float32[L, B, T, E]: of each expert, before the choice."""
    is_said: Tensor
    """bool[B, T]: false on the template and on padding."""


def routing(text_model: TextModel, samples: Sequence[Sample], *, batch_size: int) -> Routing:
    """Count for each text, layer and expert how many tokens chose it, in both languages of the same texts.

    Args:
        text_model: a Mixtral, with or without adapters, ready to answer (``eval``).
        samples: conversations that it was not trained on, each in English and in Arabic under one id.
        batch_size: texts at once; it does not change the counts.

    Returns:
        Routing: counts by language int64[N, L, E], texts in the order of the English ones.

    Raises:
        ModelError: the model has no routers.
        DataError: a text lacks its twin, stands twice, has images, or has no words; fewer than two texts.
    """
    routers = _routers(text_model)
    pairs = _twins(samples)
    chosen, probability, n_tokens = {}, {}, {}
    for language in LANGUAGES:
        texts = [pair[language] for pair in pairs.values()]
        read = [said_tokens(sample, text_model.tokenizer) for sample in texts]
        shape = (len(texts), len(routers), routers[0].num_experts)
        chosen[language], probability[language] = np.zeros(shape, dtype=np.int64), np.zeros(shape)
        n_tokens[language] = np.array([sum(one.is_said) for one in read])
        for batch in _batches(text_model, routers, read, batch_size, title=f"routing, {language}"):
            counted = batch.is_said[None, ..., None]
            takes = torch.zeros_like(batch.probability, dtype=torch.int64).scatter_(-1, batch.chosen, 1)
            chosen[language][batch.indices] = (takes * counted).sum(2).transpose(0, 1).cpu().numpy()
            sums = (batch.probability.double() * counted).sum(2)
            probability[language][batch.indices] = sums.transpose(0, 1).cpu().numpy()
    return Routing(tuple(pairs), chosen, probability, n_tokens, routers[0].top_k)


def top_tokens(
    text_model: TextModel, samples: Sequence[Sample], *, layer: int, expert: int, batch_size: int, n: int = 8
) -> list[TokenUse]:
    """The tokens that an expert takes most often, by language.

    Args:
        text_model: a Mixtral, with or without adapters, ready to answer (``eval``).
        samples: conversations in either language.
        layer: from 0.
        expert: from 0.
        batch_size: texts at once.
        n: tokens of each language at most.

    Returns:
        for English and then Arabic, most taken first; tokens it never takes are left out.

    Raises:
        ModelError: the model has no routers, or not this layer or expert.
        DataError: a text has images or no words.
    """
    routers = _routers(text_model)
    if not (0 <= layer < len(routers) and 0 <= expert < routers[0].num_experts):
        raise ModelError(
            f"layer {layer}, expert {expert}: the model has {len(routers)} layers of {routers[0].num_experts} experts, "
            "both numbered from 0"
        )
    found = []
    for language in LANGUAGES:
        texts = [sample for sample in samples if sample.language == language]
        read = [said_tokens(sample, text_model.tokenizer) for sample in texts]
        seen, taken = Counter(), Counter()
        for batch in _batches(text_model, routers, read, batch_size, title=f"tokens, {language}"):
            takes_BT = (batch.chosen[layer] == expert).any(-1).tolist()
            for index, takes in zip(batch.indices, takes_BT, strict=True):
                words = read[index].words
                seen.update(word for word in words if word)
                taken.update(word for word, is_taken in zip(words, takes, strict=False) if word and is_taken)
        found += [TokenUse(language, word, count, seen[word]) for word, count in taken.most_common(n)]
    return found


def _routers(text_model: TextModel) -> list[MixtralTopKRouter]:
    """The routers, layer by layer; those within PEFT's wrappers as well."""
    routers = [module for module in text_model.model.modules() if isinstance(module, MixtralTopKRouter)]
    if not routers:
        raise ModelError(
            f"{type(text_model.model).__name__} has no routers, so its tokens choose no experts; give a Mixtral "
            "(a mixture of experts in transformers' layout)"
        )
    return routers


def _twins(samples: Sequence[Sample]) -> dict[str, dict[str, Sample]]:
    """By id and language, in the order of the English texts."""
    pairs = {sample.id: {} for sample in sorted(samples, key=lambda sample: sample.language != LANGUAGES[0])}
    for sample in samples:
        if sample.language in pairs[sample.id]:
            raise DataError(f"sample {sample.id!r} ({sample.language}) stands twice; give each text once per language")
        pairs[sample.id][sample.language] = sample
    for name, pair in pairs.items():
        if set(pair) != set(LANGUAGES):
            raise DataError(
                f"sample {name!r} is there in {', '.join(sorted(pair))} only; expected it in both languages, which "
                "are compared over the same texts; give its twin or leave it out"
            )
    return pairs


def _batches(
    text_model: TextModel,
    routers: Sequence[MixtralTopKRouter],
    read: Sequence[SaidTokens],
    batch_size: int,
    *,
    title: str,
) -> Iterator[_Batch]:
    """The texts in batches of like length, the shortest first."""
    order = sorted(range(len(read)), key=lambda index: len(read[index].input_ids))
    with tqdm(total=len(order), desc=title, unit="text") as bar:
        for start in range(0, len(order), batch_size):
            indices = order[start : start + batch_size]
            rows = [read[index] for index in indices]
            yield _Batch(indices, *_routed(text_model, routers, rows), _said_mask(rows).to(text_model.device))
            bar.update(len(indices))


def _said_mask(rows: Sequence[SaidTokens]) -> Tensor:
    return pad_lists([row.is_said for row in rows], False)


@torch.inference_mode()
def _routed(
    text_model: TextModel, routers: Sequence[MixtralTopKRouter], rows: Sequence[SaidTokens]
) -> tuple[Tensor, Tensor]:
    """int64[L, B, T, K] experts and float32[L, B, T, E] probabilities of padded texts."""
    ids_BT = pad_lists([row.input_ids for row in rows], text_model.tokenizer.pad_token_id).to(text_model.device)
    mask_BT = pad_lists([[1] * len(row.input_ids) for row in rows], 0).to(text_model.device)
    with _watched(routers) as outputs:
        text_model.model(input_ids=ids_BT, attention_mask=mask_BT, use_cache=False, logits_to_keep=1)
    logits = torch.stack([outputs[router][0] for router in routers]).unflatten(1, ids_BT.shape)
    chosen = torch.stack([outputs[router][2] for router in routers]).unflatten(1, ids_BT.shape)
    return chosen, logits.float().softmax(-1)


@contextmanager
def _watched(routers: Sequence[MixtralTopKRouter]) -> Iterator[dict[MixtralTopKRouter, tuple[Tensor, ...]]]:
    """What each router gives while this lasts: logits [B * T, E], weights and experts [B * T, K]."""
    outputs: dict[MixtralTopKRouter, tuple[Tensor, ...]] = {}
    handles = [
        router.register_forward_hook(lambda module, _, output: outputs.__setitem__(module, output))
        for router in routers
    ]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()
