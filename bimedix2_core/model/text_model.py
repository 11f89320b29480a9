"""Text model: any causal language model of the hub, to answer the text benchmarks beside the multimodal one."""

from dataclasses import dataclass

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from bimedix2_core.data.chat_templates import template_of
from bimedix2_core.errors import ModelError
from bimedix2_core.model.assemble import Lmm, load_lmm
from bimedix2_core.model.weight_files import check_experts, weight_names
from bimedix2_core.runs import root

LLAVA = "llava"
"""`model_type` of a LLaVA in Hugging Face's layout."""

ASSUMED_TEMPLATE = "its tokenizer has no chat template, assumed is its base's"
"""What is said of a model that is asked in turns which its publisher does not tell."""

N_NAMED = 3
"""Weights that an error names of those that are not in their place."""


@dataclass(frozen=True)
class TextModel:
    """A language model without a vision encoder; it takes the place of an `Lmm` wherever no image is shown."""

    model: PreTrainedModel
    """Any ``ForCausalLM`` of transformers."""
    tokenizer: PreTrainedTokenizerBase
    n_image_tokens: int = 0
    """It sees none."""
    note: str = ""
    """What a reader of its answers must know; empty where there is nothing."""

    @property
    def device(self) -> torch.device:
        """Where the model's weights are."""
        return next(self.model.parameters()).device

    def pixel_values(self, images: list) -> torch.Tensor:
        """Refuse.

        Raises:
            ModelError: always.
        """
        raise ModelError(f"{len(images)} images for a language model without a vision encoder; ask it in text only")


def load_finished(name: str, *, dtype: torch.dtype, device: str) -> Lmm | TextModel:
    """Load finished weights to measure: a LLaVA in Hugging Face's layout, or any causal language model.

    A tokenizer without a chat template gets its base's where the vocabulary tells it (Llama 3's headers, Mistral's
    ``[INST]``), and the model's note says so; otherwise it can be asked in plain text only.

    Args:
        name: folder (from the repository) or hub id; safetensors only, and no code of the repository is run.
        dtype: number format of the weights.
        device: ``cpu`` or ``cuda``.

    Raises:
        ModelError: transformers has no such model type (the original LLaVA layout of BiMediX2's release is one), or
            weights are not there, not in their place or too many: none is ever drawn at random.
    """
    folder = root() / name
    place = str(folder) if folder.is_dir() else name
    try:
        kind = AutoConfig.from_pretrained(place, trust_remote_code=False).model_type
        if kind == LLAVA:
            return load_lmm(place, dtype=dtype, device=device)
        check_experts(weight_names(place))
        model, found = AutoModelForCausalLM.from_pretrained(
            place, dtype=dtype, use_safetensors=True, trust_remote_code=False,
            output_loading_info=True, ignore_mismatched_sizes=True,
        )  # fmt: skip
        tokenizer = AutoTokenizer.from_pretrained(place, trust_remote_code=False)
    except ModelError as error:
        raise ModelError(f"{name}: {error}") from None
    except (ValueError, KeyError, OSError, RuntimeError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(
            f"{name}: cannot be loaded as a LLaVA or a causal language model in Hugging Face's layout ({reason:.200}); "
            "give a folder or hub id in that layout, with safetensors"
        ) from None
    _check_places(name, found)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token  # padding is masked; which token it is does not matter
    return TextModel(model.to(device).eval(), tokenizer, note=_with_template(tokenizer))


def _check_places(name: str, found: dict) -> None:
    """Transformers draws what is missing at random and only says so in its log."""
    wrong = {
        "not there": sorted(found["missing_keys"]),
        "of another shape": sorted(weight for weight, *_ in found["mismatched_keys"]),
        "of no place in the model": sorted(found["unexpected_keys"]),
    }
    problems = [
        f"{len(weights)} {what}: {', '.join(weights[:N_NAMED])}{' ...' if len(weights) > N_NAMED else ''}"
        for what, weights in wrong.items()
        if weights
    ]
    if problems:
        raise ModelError(
            f"{name}: weights do not fit the model that its config.json tells ({'; '.join(problems)}); get all of its "
            "files again, or give weights and config.json that belong together"
        )


def _with_template(tokenizer: PreTrainedTokenizerBase) -> str:
    """Give a tokenizer without a template that of its base; what is to be said of it."""
    if tokenizer.chat_template is not None:
        return ""
    tokenizer.chat_template = template_of(tokenizer)
    return ASSUMED_TEMPLATE if tokenizer.chat_template else ""
