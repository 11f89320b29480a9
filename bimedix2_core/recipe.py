"""Recipe: the model and the data that a profile names.

A profile says where its base and its samples come from; notebooks ask here and need not know.
"""

from pathlib import Path

import torch
from transformers import PreTrainedTokenizerFast

from bimedix2_core.data.sources import read_llava
from bimedix2_core.demo import curriculum
from bimedix2_core.demo.tiny_base import BASE_FOLDER
from bimedix2_core.errors import ParamsError
from bimedix2_core.model.assemble import Lmm, load_lmm, load_parts
from bimedix2_core.model.shapes import SHAPES, draw_lmm
from bimedix2_core.params import BaseParts, NoData, Params, PhantomData, RandomBase
from bimedix2_core.records import Sample
from bimedix2_core.runs import root


def load_base(params: Params) -> Lmm:
    """Load what Stage 1 starts from: a checkpoint, published parts joined by an untrained projector, or random weights.

    Random weights come with the tokenizer of the demo's base, which ships with the package.

    Raises:
        ModelError: the checkpoint is not there.
        ParamsError: the profile names finished weights and no base.
    """
    base, dtype = params.model.base, getattr(torch, params.model.dtype)
    if base is None:
        raise _nothing_to_train(params)
    if isinstance(base, RandomBase):
        tokenizer = PreTrainedTokenizerFast.from_pretrained(BASE_FOLDER)
        return draw_lmm(
            SHAPES[base.random_weights], tokenizer=tokenizer, seed=params.run.seed, dtype=dtype,
            device=device_of(params),
        )  # fmt: skip
    if isinstance(base, BaseParts):
        return load_parts(
            base.vision_tower, base.language_model, dtype=dtype, device=device_of(params),
            frozen_base=params.model.frozen_base,
        )  # fmt: skip
    return load_lmm(_from_root(base), dtype=dtype, device=device_of(params))


def device_of(params: Params) -> str:
    """Return ``cuda`` or ``cpu``: what the profile asks for, or a GPU where there is one."""
    if params.run.device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return params.run.device


def stage1_samples(params: Params) -> list[Sample]:
    """Image-caption pairs of Stage 1.

    Raises:
        DataError: a data file is missing or malformed.
        ParamsError: the profile trains nothing.
    """
    data = params.data
    if isinstance(data, PhantomData):
        return curriculum.caption_samples(data.n_caption_images, seed=params.run.seed)
    if isinstance(data, NoData):
        raise _nothing_to_train(params)
    return read_llava(_from_root(data.stage1_file), image_folder=_from_root(data.image_folder))


def stage2_samples(params: Params) -> list[Sample]:
    """Instructions of Stage 2, with and without images, in both languages.

    Raises:
        DataError: a data file is missing or malformed.
        ParamsError: the profile trains nothing.
    """
    data = params.data
    if isinstance(data, PhantomData):
        return curriculum.instruction_samples(data.n_instruction_images, data.n_text_samples, seed=params.run.seed)
    if isinstance(data, NoData):
        raise _nothing_to_train(params)
    return read_llava(_from_root(data.stage2_file), image_folder=_from_root(data.image_folder))


def _nothing_to_train(params: Params) -> ParamsError:
    return ParamsError(
        f"profile {params.run.profile} measures finished weights (model.base is null), so there is nothing to train; "
        "take a profile with a base, or leave out the notebooks that train and those that read what they leave"
    )


def _from_root(path: str) -> Path:
    return root() / path
