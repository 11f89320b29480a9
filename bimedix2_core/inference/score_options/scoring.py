"""Scoring: batches of questions through the model, and the log-probabilities that come back.

Shape letters:
    B questions in the batch, T tokens of the longest prompt, Q option tokens read per question, D hidden size,
    R states whose next token is wanted, S tokens scored, V vocabulary
"""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm.auto import tqdm
from transformers import Cache, LlavaForConditionalGeneration

from bimedix2_core.data.chat import image_token
from bimedix2_core.data.image_key import image_key
from bimedix2_core.errors import ModelError
from bimedix2_core.inference.score_options.batches import batches_of
from bimedix2_core.inference.score_options.questions import Question, questions_of
from bimedix2_core.model.adapters import without_adapters
from bimedix2_core.model.assemble import Lmm
from bimedix2_core.model.inputs import pad_lists
from bimedix2_core.records import OptionScores, Query

BATCH_TOKENS = 2048
"""Padded tokens of a forward pass: enough to keep a GPU busy with an 8B, few enough for the caches of a CPU."""

MAX_LOGITS = 2**25
"""Most logits at once (128 MB in float32): 261 states at Llama 3's vocabulary."""


@torch.inference_mode()
def score_options(
    lmm: Lmm, queries: Sequence[Query], *, batch_size: int, batch_tokens: int = BATCH_TOKENS
) -> list[OptionScores]:
    """How likely each option of each query is, as summed log-probability of its tokens after the prompt.

    A score depends on its query alone (to rounding), not on its neighbours in the batch or the other options.

    Args:
        lmm: the model; attention ``sdpa`` or ``eager``.
        queries: prompts with options; their numbers of options may differ.
        batch_size: most queries per forward pass.
        batch_tokens: most tokens per forward pass, padding included and what prompts share left out; one query may
            take more.

    Returns:
        One record per query, in their order; natural logarithms over the whole vocabulary.

    Raises:
        DataError: a query has no option, an option is empty or no token of its own, images do not pair up with image
            parts, or prompt and longest option do not fit the model's positions; the message names the query.
        ModelError: a log-probability is not finite.
    """
    questions, image_id = questions_of(lmm, queries), image_token(lmm.tokenizer)
    scores: dict[int, OptionScores] = {}
    with tqdm(total=len(queries), desc="options", unit="question") as bar:
        for batch in batches_of(questions, image_id, batch_size=batch_size, batch_tokens=batch_tokens):
            images = [image for index in batch.indices for image in queries[index].images]
            found = _score(lmm, [questions[index] for index in batch.indices], images, batch.n_shared)
            scores |= zip(batch.indices, found, strict=True)
            bar.update(len(batch.indices))
    _check_finite(queries, scores)
    return [scores[index] for index in range(len(queries))]


def _score(lmm: Lmm, batch: Sequence[Question], images: Sequence[Image.Image], n_shared: int) -> list[OptionScores]:
    """Scores of one batch: the first tokens from the prompts' last states, the further ones from the branches'."""
    model = without_adapters(lmm.model)
    is_branched = any(question.n_read for question in batch)
    lengths_B = torch.tensor([len(question.prompt) for question in batch], device=lmm.device)
    read = model.model(
        inputs_embeds=_embedded(lmm, batch, images)[:, n_shared:],
        past_key_values=_read_once(lmm, batch[0].prompt[:n_shared], len(batch)) if n_shared else None,
        use_cache=is_branched or n_shared > 0,
    )
    states_RD = read.last_hidden_state[torch.arange(len(batch), device=lmm.device), lengths_B - n_shared - 1]
    if is_branched:
        states_RD = torch.cat([states_RD, _branch_states(lmm, batch, lengths_B, read.past_key_values)])
    log_probs = _option_sums(batch, _next_token_log_probs(model, states_RD, *_scored(batch)))
    return [
        OptionScores(tuple(sums), tuple(map(len, question.options)))
        for question, sums in zip(batch, log_probs, strict=True)
    ]


def _read_once(lmm: Lmm, tokens: list[int], n_questions: int) -> Cache:
    """Cached keys of tokens that all questions begin with, one copy for each question."""
    cache = (
        without_adapters(lmm.model)
        .model(input_ids=torch.tensor([tokens], device=lmm.device), use_cache=True)
        .past_key_values
    )
    cache.batch_repeat_interleave(n_questions)
    return cache


def _embedded(lmm: Lmm, batch: Sequence[Question], images: Sequence[Image.Image]) -> Tensor:
    """float[B, T, D], prompts padded on the right: causal attention needs no mask then, and its fastest kernel runs."""
    tokens_BT = pad_lists([question.prompt for question in batch], lmm.tokenizer.pad_token_id).to(lmm.device)
    embedded_BTD = lmm.model.get_input_embeddings()(tokens_BT)
    if not images:
        return embedded_BTD
    is_image_BT = tokens_BT == image_token(lmm.tokenizer)
    features_ND = _image_features(lmm, images).flatten(0, 1).to(embedded_BTD.dtype)
    return embedded_BTD.masked_scatter(is_image_BT[..., None], features_ND)


def _image_features(lmm: Lmm, images: Sequence[Image.Image]) -> Tensor:
    """float[I, P, D], projected features of each image; the vision tower sees each distinct image once."""
    keys = [image_key(image) for image in images]
    distinct = dict(zip(keys, images, strict=True))
    place = {key: index for index, key in enumerate(distinct)}
    pixels = lmm.pixel_values(list(distinct.values()))
    features = without_adapters(lmm.model).get_image_features(pixel_values=pixels, return_dict=True).pooler_output
    return torch.stack([features[place[key]] for key in keys])


def _branch_states(lmm: Lmm, batch: Sequence[Question], lengths_B: Tensor, cache: Cache) -> Tensor:
    """float[N, D], states of the option tokens that are read, question by question and option by option.

    The options of a question stand side by side behind its prompt's cached keys. Each begins at the position after the
    prompt and attends to the prompt and to its own tokens so far.
    """
    options = [[option[:-1] for option in question.options] for question in batch]
    tokens = [[token for tokens in row for token in tokens] for row in options]
    branches = [[number for number, tokens in enumerate(row) for _ in tokens] for row in options]
    steps = [[step for tokens in row for step in range(len(tokens))] for row in options]
    branch_BQ = _padded(branches, -1).to(lmm.device)
    states_BQD = (
        without_adapters(lmm.model)
        .model(
            input_ids=_padded(tokens, lmm.tokenizer.pad_token_id).to(lmm.device),
            position_ids=lengths_B[:, None] + _padded(steps, 0).to(lmm.device),
            attention_mask=_branch_mask(lengths_B, branch_BQ, cache.get_seq_length(), lmm.model.dtype),
            past_key_values=cache,
            use_cache=True,
        )
        .last_hidden_state
    )
    return states_BQD[branch_BQ >= 0]


def _branch_mask(lengths_B: Tensor, branch_BQ: Tensor, n_cached: int, dtype: torch.dtype) -> Tensor:
    """float[B, 1, Q, T + Q], added to attention: 0 where a token looks, the least number where it does not."""
    n_read = branch_BQ.shape[1]
    is_prompt_BT = torch.arange(n_cached, device=branch_BQ.device) < lengths_B[:, None]
    is_own_BQQ = (branch_BQ[:, :, None] == branch_BQ[:, None, :]).tril()
    sees = torch.cat([is_prompt_BT[:, None].expand(-1, n_read, -1), is_own_BQQ], dim=-1)[:, None]
    return torch.zeros_like(sees, dtype=dtype).masked_fill(~sees, torch.finfo(dtype).min)


def _scored(batch: Sequence[Question]) -> tuple[list[int], list[int]]:
    """The state (its row in R) and the token of everything scored: all first tokens, then all further ones."""
    firsts = [(row, option[0]) for row, question in enumerate(batch) for option in question.options]
    further = [token for question in batch for option in question.options for token in option[1:]]
    rows = [row for row, _ in firsts] + list(range(len(batch), len(batch) + len(further)))
    return rows, [token for _, token in firsts] + further


def _next_token_log_probs(
    model: LlavaForConditionalGeneration, states_RD: Tensor, rows: list[int], tokens: list[int]
) -> np.ndarray:
    """float64[S], log-probability of each token after its state; the head sees each state once, a part at a time."""
    head = model.get_output_embeddings()
    rows_S, tokens_S = (torch.tensor(numbers, device=states_RD.device) for numbers in (rows, tokens))
    log_probs_S = torch.empty(len(rows), device=states_RD.device)
    size = max(1, MAX_LOGITS // head.out_features)
    for start, part_D in zip(range(0, len(states_RD), size), states_RD.split(size), strict=True):
        logits_V = head(part_D).float()
        here = (rows_S >= start) & (rows_S < start + size)
        row = rows_S[here] - start
        log_probs_S[here] = logits_V[row, tokens_S[here]] - logits_V.logsumexp(-1)[row]
    return log_probs_S.double().cpu().numpy()


def _option_sums(batch: Sequence[Question], log_probs_S: np.ndarray) -> list[list[float]]:
    """Sums over each option's tokens, in the order of `_scored`."""
    options = [option for question in batch for option in question.options]
    number = list(range(len(options))) + [n for n, option in enumerate(options) for _ in option[1:]]
    sums = iter(np.bincount(number, weights=log_probs_S).tolist())
    return [[next(sums) for _ in question.options] for question in batch]


def _padded(rows: Sequence[Sequence[int]], value: int) -> Tensor:
    """int64[B, Q]; a row may be empty."""
    width = max(map(len, rows))
    return torch.tensor([[*row, *[value] * (width - len(row))] for row in rows])


def _check_finite(queries: Sequence[Query], scores: dict[int, OptionScores]) -> None:
    for index, found in scores.items():
        if not np.isfinite(found.log_probs).all():
            raise ModelError(
                f"query {queries[index].id!r}: log-probabilities {found.log_probs}; expected finite numbers: "
                "check the weights and the dtype (float16 overflows where bfloat16 does not)"
            )
