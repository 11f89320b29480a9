"""Low rank: the adapters of a stack of matrices, one for each expert, and the product with one adapted matrix.

``x W^T + s (x A^T) B^T`` is never a product with a merged matrix; W is frozen and has no gradient.

Shape letters:
    S rows of one expert, E experts, N in, M out, R rank
"""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor


class Stack(Protocol):
    """The matrices of all experts: a tensor float[E, M, N], or what restores one of them at a time."""

    def __getitem__(self, expert: int) -> Tensor:
        """float[M, N]."""


class LowRank(NamedTuple):
    """The adapters of a stack, in PEFT's layout."""

    down: Tensor
    """A, float[E R, N]"""
    up: Tensor
    """B, float[M, R E]"""
    scaling: float

    def zeros(self) -> "LowRank":
        """Room for the gradients."""
        return LowRank(torch.zeros_like(self.down), torch.zeros_like(self.up), self.scaling)

    def of(self, expert: int, n_experts: int) -> "LowRank":
        """Views of one expert's own: float[R, N] and float[M, R]."""
        down = self.down.view(n_experts, -1, self.down.shape[1])[expert]
        return LowRank(down, self.up.view(self.up.shape[0], -1, n_experts)[:, :, expert], self.scaling)


class Adapted(NamedTuple):
    """One expert's matrix."""

    matrix: Tensor
    """float[M, N], frozen."""
    adapter: LowRank | None
    """Its own."""

    def forward(self, read: Tensor, *, out: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """The product, float[S, M], and what ``backward`` needs besides the rows: ``x A^T``, float[S, R]."""
        product = torch.mm(read, self.matrix.T, out=out)
        if self.adapter is None:
            return product, None
        low = read @ self.adapter.down.T
        return torch.addmm(product, low, self.adapter.up.T, alpha=self.adapter.scaling, out=product), low

    def backward(
        self,
        of_product: Tensor,
        read: Tensor,
        low: Tensor | None,
        *,
        gradient: LowRank | None,
        out: Tensor | None = None,
    ) -> Tensor:
        """The gradient of the rows, float[S, N]; those of A and B are written to ``gradient``."""
        of_read = torch.mm(of_product, self.matrix, out=out)
        if self.adapter is None:
            return of_read
        of_low = (of_product @ self.adapter.up).mul_(self.adapter.scaling)
        torch.mm(of_low.T, read, out=gradient.down)
        gradient.up.copy_(of_product.T @ low).mul_(self.adapter.scaling)
        return torch.addmm(of_read, of_low, self.adapter.down, out=of_read)
