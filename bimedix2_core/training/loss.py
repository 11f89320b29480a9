"""Loss: cross-entropy of the supervised tokens alone, in chunks, so that logits never fill the memory.

The head of the language model is frozen in both stages, so the gradient that goes back from a chunk needs nothing of it
but the chunk's own probabilities. It is worked out on the way forward, while they are there: two matrix products a
chunk, none of them again on the way back, and no more memory than one chunk of logits.

Shape letters:
    S supervised tokens, D hidden size, V vocabulary
"""

import torch
from torch import Tensor

from bimedix2_core.errors import ModelError

CHUNK_ENTRIES = 1 << 27
"""Logits of a chunk: 1,046 rows of Llama 3's vocabulary, half a GB in float32."""


def cross_entropy(states: Tensor, head: Tensor, targets: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted cross-entropy of states through a frozen head.

    Args:
        states: float[S, D], each the state whose next token is known.
        head: float[V, D], weight of the language model's head.
        targets: int64[S], the token ids.
        weights: float[S], what each counts.

    Returns:
        The weighted sum, a scalar with gradient to ``states``; float[S], the loss of each token in nats, without. Both
        in float32 or better.

    Raises:
        ModelError: the head is to be trained; its gradient is not worked out here.

    Source:
        ``torch.nn.functional.cross_entropy`` over ``states @ head.T`` in float32; the idea of working out the gradient
        on the way forward is Liger Kernel's fused linear cross-entropy (arXiv 2410.10989), which reads all rows.
    """
    if head.requires_grad:
        raise ModelError("the language model's head requires a gradient; both stages keep it frozen (Table 11)")
    return _CrossEntropy.apply(states, head, targets, weights)


class _CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx, states, head, targets, weights):
        wide = torch.promote_types(states.dtype, torch.float32)
        weights = weights.to(wide)
        losses = torch.empty(len(states), dtype=wide, device=states.device)
        gradient = torch.empty_like(states) if states.requires_grad else None
        size = max(1, CHUNK_ENTRIES // len(head))
        for start in range(0, len(states), size):
            part = slice(start, start + size)
            logits = (states[part] @ head.T).to(wide)
            normaliser = logits.logsumexp(dim=-1, keepdim=True)
            chosen = targets[part, None]
            losses[part] = (normaliser - logits.gather(1, chosen))[:, 0]
            if gradient is not None:
                probabilities = logits.sub_(normaliser).exp_()
                probabilities.scatter_add_(1, chosen, probabilities.new_full(chosen.shape, -1.0))
                gradient[part] = probabilities.mul_(weights[part, None]).to(states.dtype) @ head
        ctx.save_for_backward(gradient)
        ctx.mark_non_differentiable(losses)
        return (losses * weights).sum(), losses

    @staticmethod
    def backward(ctx, of_sum, of_losses):
        (gradient,) = ctx.saved_tensors
        return gradient * of_sum.to(gradient.dtype), None, None, None
