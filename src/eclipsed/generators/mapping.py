"""The mapping network of StyleGAN2 and StyleGAN3: z, and a class where there are any, to w.

Parameter names are NVIDIA's: `embed`, `fc0`, `fc1`, …, `w_avg`.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

_SQRT2 = math.sqrt(2.0)
# Seeds of the latents whose mean stands in for an average that a file lacks.
_AVERAGED = 8192


def normalize_2nd_moment(z: Float[Tensor, "n z"]) -> Float[Tensor, "n z"]:
    """Scale every row to mean square 1."""
    return z * (z.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()


class Dense(nn.Module):
    """Equalised-rate linear layer; `multiplier` is NVIDIA's lr_multiplier."""

    def __init__(
        self, inputs: int, outputs: int, *, multiplier: float = 1.0, bias: float = 0.0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / multiplier)
        self.bias = nn.Parameter(torch.full((outputs,), bias / multiplier))
        self.weight_gain = multiplier / math.sqrt(inputs)
        self.bias_gain = multiplier

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.weight_gain, self.bias * self.bias_gain)


class MappingNetwork(nn.Module):
    """z → w: normalisation, then dense layers with leaky ReLU and gain √2.

    Where there are classes (c_dim > 0), a linear embedding of the class vector is normalised on
    its own and joined to the normalised z.
    """

    w_avg: Tensor

    def __init__(
        self,
        *,
        z_dim: int,
        w_dim: int,
        layers: int,
        c_dim: int = 0,
        width: int | None = None,
        embed_width: int | None = None,
        multiplier: float = 0.01,
    ) -> None:
        super().__init__()
        self.depth = layers
        self.embed = Dense(c_dim, embed_width or w_dim) if c_dim else None
        joined = z_dim + ((embed_width or w_dim) if c_dim else 0)
        sizes = [joined, *[width or w_dim] * (layers - 1), w_dim]
        for i in range(layers):
            self.add_module(f"fc{i}", Dense(sizes[i], sizes[i + 1], multiplier=multiplier))
        self.register_buffer("w_avg", torch.zeros(w_dim))

    def forward(
        self, z: Float[Tensor, "n z"], label: Float[Tensor, "*n c"] | None = None
    ) -> Float[Tensor, "n w"]:
        """w of every z; `label` is one class vector [c_dim] for all or one each, [N, c_dim]."""
        x = normalize_2nd_moment(z.float())
        if self.embed is not None and label is not None:
            embedded = self.embed(torch.atleast_2d(label.to(x.device)))
            x = torch.cat([x, normalize_2nd_moment(embedded.float()).expand(len(x), -1)], dim=1)
        for i in range(self.depth):
            x = F.leaky_relu(self.get_submodule(f"fc{i}")(x), 0.2) * _SQRT2
        return x.float()


@torch.no_grad()
def average_latent(mapping: MappingNetwork, z_dim: int, c_dim: int) -> Float[Tensor, " w"]:
    """The mean w of many seeds, over all classes in turn, for files that carry no average."""
    z = torch.from_numpy(np.random.RandomState(0).randn(_AVERAGED, z_dim)).float()
    labels = torch.eye(c_dim)[torch.arange(_AVERAGED) % c_dim] if c_dim else None
    w: Tensor = mapping(z, labels)
    return w.double().mean(dim=0).float()
