"""Text part: the language model of a multimodal one by itself, as a causal language model that reads text only."""

import torch
from transformers import AutoModelForCausalLM

from bimedix2_core.model.assemble import Lmm
from bimedix2_core.model.text_model import TextModel


def text_part(lmm: Lmm) -> TextModel:
    """The language model of an `Lmm` with its tokenizer; the weights are shared, not copied.

    Args:
        lmm: without adapters. Its tokenizer keeps the image token, for which a text has no use.
    """
    whole = lmm.model
    with torch.device("meta"):
        alone = AutoModelForCausalLM.from_config(whole.config.text_config)
    alone.model, alone.lm_head = whole.model.language_model, whole.lm_head
    alone.generation_config = whole.generation_config
    return TextModel(alone.eval(), lmm.tokenizer)
