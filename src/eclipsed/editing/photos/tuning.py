"""Tuning a generator to one photo: a small change of its weights in place of a second network.

Pivotal tuning (Roich et al. 2021, arXiv:2106.05744) trains all weights of the synthesis. Here every
convolution gets a change of low rank, as LoRA does (Hu et al. 2021, arXiv:2106.09685), and every
bias a whole one, which takes a hundredth of the room.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from eclipsed.errors import BadFile, BadSetting
from eclipsed.generators.generator import NetworkGenerator
from eclipsed.types import Generator, Space

LEFT, RIGHT, WHOLE = ".left", ".right", ".whole"
MOST_BYTES = 20 * 10**6  # of the factors in fp16


def first_factors(generator: Generator, rank: int, seed: int = 0) -> dict[str, Tensor]:
    """Factors that change nothing yet, by parameter: `left` @ `right`, or the `whole` of a bias.

    Raises BadSetting for a generator without weights, or where the factors take too much room.
    """
    network = tunable(generator)
    random = torch.Generator().manual_seed(seed)
    factors: dict[str, Tensor] = {}
    for name, value in network.named_parameters():
        if "mapping" in name or "embed" in name:
            continue  # the latent stands for what comes before the synthesis
        if value.dim() == 4:
            wide, most = value[0].numel(), min(rank, len(value), value[0].numel())
            factors[name + LEFT] = torch.zeros(len(value), most)
            factors[name + RIGHT] = torch.randn(most, wide, generator=random) / math.sqrt(wide)
        elif value.dim() == 1 and name.endswith("bias") and "affine" not in name:
            factors[name + WHOLE] = torch.zeros_like(value, device="cpu")
    size = sum(2 * value.numel() for value in factors.values())
    if not factors or size > MOST_BYTES:
        raise BadSetting(
            f"Rank {rank} takes {size / 1e6:.0f} MB for the generator '{generator.name}'.",
            f"Choose a lower rank: {MOST_BYTES / 1e6:.0f} MB are allowed.",
        )
    return {name: value.to(generator.device) for name, value in factors.items()}


def tunable(generator: Generator) -> NetworkGenerator:
    """The generator as a network; BadSetting where it is none, or tuned already."""
    if not isinstance(generator, NetworkGenerator):
        raise BadSetting(f"The generator '{generator.name}' has no weights to tune.")
    if generator.tuning:
        raise BadSetting(f"The generator '{generator.name}' is tuned already.", "Load it anew.")
    return generator


def changes_of(
    factors: Mapping[str, Tensor], shapes: Mapping[str, Sequence[int]]
) -> dict[str, Tensor]:
    """What factors add to each parameter, of the shapes that the parameters have.

    Raises BadFile for factors that do not fit.
    """
    changes: dict[str, Tensor] = {}
    try:
        for key, value in factors.items():
            if key.endswith(LEFT):
                name = key.removesuffix(LEFT)
                changes[name] = (value @ factors[name + RIGHT]).reshape(tuple(shapes[name]))
            elif key.endswith(WHOLE):
                name = key.removesuffix(WHOLE)
                changes[name] = value.reshape(tuple(shapes[name]))
    except (KeyError, RuntimeError) as error:
        raise BadFile("What tunes the generator does not fit this one.") from error
    return changes


def tuned(generator: Generator, factors: Mapping[str, Tensor]) -> Generator:
    """A copy of the generator under factors, or the generator itself where there are none."""
    if not factors:
        return generator
    network = tunable(generator)
    exact = {name: value.to(network.device, torch.float32) for name, value in factors.items()}
    return network.tuned(changes_of(exact, _shapes(network)))


def _shapes(network: nn.Module) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in network.named_parameters()}


class _Drawing(nn.Module):
    """Latents → images, as a call of a module, which is what torch can give other weights to."""

    def __init__(self, network: NetworkGenerator) -> None:
        super().__init__()
        self.network = network

    def forward(self, latents: Tensor, space: Space) -> Tensor:
        return self.network.synthesize(latents, space).image


def drawn(
    generator: Generator,
    factors: Mapping[str, Tensor],
    latents: Float[Tensor, "n d"],
    space: Space,
) -> Float[Tensor, "n 3 h w"]:
    """Images of latents under factors, differentiable with respect to the factors."""
    network = tunable(generator)
    drawing = _Drawing(network)
    parameters = dict(network.named_parameters())
    changes = changes_of(factors, _shapes(network))
    weights = {f"network.{name}": parameters[name] + value for name, value in changes.items()}
    image: Tensor = functional_call(drawing, weights, (latents, space))
    return image
