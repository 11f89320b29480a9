"""Score options: how likely each option letter is as the answer, from one forward pass."""

from collections.abc import Sequence

import numpy as np
import torch
from tqdm.auto import tqdm

from bimedix2_core.errors import DataError
from bimedix2_core.inference.generate import prompt_batches
from bimedix2_core.model.assemble import Lmm
from bimedix2_core.records import Sample

LETTERS = "ABCDE"


@torch.inference_mode()
def score_options(lmm: Lmm, samples: Sequence[Sample], *, batch_size: int) -> np.ndarray:
    """Log-probability of each option's letter as the first token of the answer.

    Args:
        lmm: the model.
        samples: multiple-choice samples, all with the same number of choices.
        batch_size: prompts per forward pass.

    Returns:
        float32[N, K], natural logarithm, over the whole vocabulary (rows do not sum to 1).

    Raises:
        DataError: samples differ in their number of choices, or a letter is not one token.
    """
    n_choices = {len(sample.choices) for sample in samples}
    if len(n_choices) != 1 or not 2 <= max(n_choices) <= len(LETTERS):
        raise DataError(f"samples have {sorted(n_choices)} choices; expected one number between 2 and {len(LETTERS)}")
    letters = letter_ids(lmm, max(n_choices))
    scores = np.empty((len(samples), len(letters)), dtype=np.float32)
    with tqdm(total=len(samples), desc="options", unit="question") as bar:
        for prompts in prompt_batches(lmm, samples, batch_size=batch_size):
            logits_BV = lmm.model(**prompts.inputs, logits_to_keep=1, use_cache=False).logits[:, -1].float()
            scores[prompts.indices] = logits_BV.log_softmax(-1)[:, letters].cpu().numpy()
            bar.update(len(prompts.indices))
    return scores


def letter_ids(lmm: Lmm, n_choices: int) -> list[int]:
    """Token of each option letter.

    Raises:
        DataError: a letter is several tokens in this tokenizer.
    """
    tokens = [lmm.tokenizer.encode(letter, add_special_tokens=False) for letter in LETTERS[:n_choices]]
    split = [letter for letter, ids in zip(LETTERS, tokens, strict=False) if len(ids) != 1]
    if split:
        raise DataError(f"option letters {split} are several tokens each; they are scored as single tokens")
    return [ids[0] for ids in tokens]
