"""Loading: a published mixture in 4 bits, without ever holding it in 16 on the GPU.

Not run at full size: Mixtral 8x7B needs 93 GB of memory beside the GPU for it, and by count about 24.5 GB on it.
"""

import torch

from bimedix2_core.model.four_bits import bitsandbytes
from bimedix2_core.model.frozen_base import freeze_as
from bimedix2_core.model.text_model import TextModel, load_finished


def load_nf4_mixture(name: str, *, dtype: torch.dtype, device: str) -> TextModel:
    """Load a mixture into main memory and bring it to the device layer by layer, each packed as it comes.

    Args:
        name: folder (from the repository) or hub id, as of ``load_finished``.
        dtype: number format of what stays plain (embedding, head, norms, router) and of all products.
        device: ``cpu`` or ``cuda``.

    Raises:
        ModelError: the weights are not there or do not fit, or bitsandbytes is not installed.
    """
    bitsandbytes()  # missing, it is missed before 93 GB are read
    loaded = load_finished(name, dtype=dtype, device="cpu")
    freeze_as(loaded.model, "nf4", device=device)
    return loaded
