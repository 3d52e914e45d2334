"""From an encoder's width to the language model's."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Projector(nn.Module):
    """Soft tokens (batch, tokens, inner) -> (batch, tokens, outer), with the RMS of the model's own token embeddings.

    Language models differ in how large their embeddings are (Gemma scales them inside the layer); a soft token of another
    size is either ignored or drowns the text, so the target RMS is measured per base model and kept with the weights.
    """

    rms: Tensor

    def __init__(self, inner: int, outer: int, rms: float) -> None:
        super().__init__()
        self.lift = nn.Sequential(nn.Linear(inner, outer), nn.GELU(), nn.Linear(outer, outer))
        self.register_buffer("rms", torch.tensor(float(rms)))

    def match(self, weight: Tensor) -> None:
        """Take the RMS of these token embeddings, which a language model taught from nothing outgrows while it learns."""
        self.rms.fill_(embedding_rms(weight))

    def forward(self, soft: Tensor) -> Tensor:
        lifted = self.lift(soft)
        return lifted * (self.rms / lifted.float().pow(2).mean(-1, keepdim=True).add(1e-12).sqrt())


def embedding_rms(weight: Tensor) -> float:
    """Root mean square over a (vocabulary, width) embedding table, rows that were never trained (all zero) left out."""
    sizes = weight.detach().float().pow(2).mean(-1)
    return float(sizes[sizes > 0].mean().sqrt())
