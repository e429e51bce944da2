"""Method `paper`: the training of eCLIPsed, with the bugs of its code left out.

Absolute text loss on the edited image, LELSD's localization on features, correlation between
several directions; Adam from a random unit vector per layer, one strength per batch, fresh seeds
every step. It is the baseline that method default is compared with, as written and, as
`paper-scaled`, with the learning rate multiplied by the generator's spread of W.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from eclipsed.errors import BadSetting
from eclipsed.generators.memory import in_parts, synthesized
from eclipsed.generators.spaces import layer_mask, widths_of
from eclipsed.methods.method import trained
from eclipsed.prompts.goals import encoded_text
from eclipsed.search import losses
from eclipsed.search.calibration import calibrate_for
from eclipsed.search.losses import ClipNorm, Distance, MaskMix
from eclipsed.search.plan import Calibration, Plan
from eclipsed.search.pool import View
from eclipsed.search.settings import check_settings, setting
from eclipsed.types import Encoder, Generator, Goal, Space, World

# Step i of the original draws its batch from RandomState(54321 + i).
FIRST_SEED = 54321
# Strengths that calibration tries. The paper trains up to 1 and edits at 6 to 7 (its Table 1).
MULTIPLES = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
# Temperature of the mix of several directions: all but one coefficient are almost always 0.
TEMPERATURE = 0.001


@dataclass(frozen=True, kw_only=True)
class PaperConfig:
    """The numbers of the paper's training; the defaults are the paper's for one direction.

    Raises BadSetting or UnknownName for a value out of range.
    """

    method: ClassVar[str] = "paper"
    # Multiply the rate by the generator's spread of the space.
    scaled: ClassVar[bool] = False
    # Where the directions live.
    space: Space = "w+"
    # K, trained together.
    directions: int = setting(1, 1)
    # Steps of Adam; the paper's are 200·K.
    steps: int = setting(200, 1)
    # Images a step.
    batch: int = setting(2, 1)
    # Adam's, before it is halved.
    rate: float = setting(1e-3, 0.0)
    # The rate is halved once more often than this, evenly (the original's count).
    halvings: int = setting(3, 0, 2**32 - 1)
    # λ_clip.
    clip_weight: float = setting(1.0, 0.0)
    # λ_loc.
    local_weight: float = setting(0.05, 0.0)
    # γ; the paper's is 0 for one direction and 1 for more.
    correlation_weight: float = setting(0.0, 0.0)
    # Least and greatest α.
    strengths: tuple[float, float] = setting((0.1, 1.0), 0.0)
    # ψ of the images that are trained on.
    truncation: float = setting(0.7, 0.0)
    # Indices that are trained; None takes all.
    layers: tuple[int, ...] | None = None
    # How pixels are normalised for the encoder; "batch" is the original's code.
    clip_norm: ClipNorm = "encoder"
    # How the masks before and after the edit are combined.
    masks: MaskMix = "average"
    # How feature changes are measured.
    distance: Distance = "l2"
    # Compute in bfloat16: not the paper's arithmetic, but faster where the hardware has it.
    half: bool = False
    # Of the start and of all draws but z.
    seed: int = setting(1234, 0, 2**32 - 1)

    def __post_init__(self) -> None:
        check_settings(self)


@dataclass(frozen=True, kw_only=True)
class PaperScaledConfig(PaperConfig):
    """The paper's numbers, with the rate in units of the generator's spread of the space."""

    method: ClassVar[str] = "paper-scaled"
    scaled: ClassVar[bool] = True


def paper_config(*, directions: int = 1, **changes: Any) -> PaperConfig:
    """The paper's numbers for K directions: 200·K steps, γ 0 for one and 1 for more.

    Any field of PaperConfig can be given; it wins.
    """
    weight = 0.0 if directions == 1 else 1.0
    numbers = {"steps": 200 * directions, "correlation_weight": weight}
    return PaperConfig(directions=directions, **(numbers | changes))


@dataclass(frozen=True)
class Draw:
    """What chance decides in one step: z [B, z_dim], a strength, the mix [K] of directions."""

    z: Tensor
    strength: float
    mix: Tensor


def learning_rate(config: PaperConfig, step: int) -> float:
    """Adam's rate at a step (from 0), before any scaling.

    The original halves when (step + 1) reaches a multiple of steps / (halvings + 1), and so once
    more than its parameter says, before the last step.
    """
    every = max(1, config.steps // (config.halvings + 1))
    return config.rate * 0.5 ** ((step + 1) // every)


def strength_of(config: PaperConfig, step: int) -> float:
    """The strength of a step: the original's stream of uniform numbers, those too small skipped."""
    low, high = config.strengths
    random = np.random.RandomState(config.seed)
    index = -1
    while True:
        strength = float(random.uniform(0.0, high))
        index += strength >= low
        if index == step:
            return strength


def draw(config: PaperConfig, step: int, *, z_dim: int) -> Draw:
    """The draws of a step, a function of the seed and the step alone."""
    z = np.random.RandomState(FIRST_SEED + step).randn(config.batch, z_dim)
    random = np.random.default_rng([config.seed, step])
    gumbel = torch.from_numpy(random.gumbel(size=config.directions))
    mix = torch.softmax(gumbel / TEMPERATURE, dim=0).float()
    return Draw(torch.from_numpy(z).float(), strength_of(config, step), mix)


def start_directions(generator: Generator, config: PaperConfig) -> Float[Tensor, "k d"]:
    """Random directions of length 1 in every layer, the original's for K = 1."""
    random = torch.Generator().manual_seed(config.seed)
    layers = [
        F.normalize(torch.randn(config.directions, width, generator=random), dim=1)
        for width in widths_of(generator, config.space)
    ]
    return torch.cat(layers, dim=1).to(generator.device)


def paper_losses(
    world: World,
    goal: Goal,
    config: PaperConfig,
    *,
    text: Float[Tensor, " e"],
    directions: Float[Tensor, "k d"],
    drawn: Draw,
) -> dict[str, Tensor]:
    """The losses of one step; what a weight of 0 makes useless is not computed.

    Returns "clip", "localization" and "correlation" as far as they are in use, and "total".
    """
    generator, space = world.generator, config.space
    local = config.local_weight > 0.0 and bool(goal.regions)
    names = generator.feature_names[1:] if local else ()
    wanted = tuple(dict.fromkeys([*names, *world.segmenter.feature_names])) if local else ()
    with torch.no_grad():
        z = drawn.z.to(generator.device)
        latents = generator.from_z(z, truncation=config.truncation, space=space)
    moved = latents + drawn.strength * (drawn.mix.to(directions) @ directions)
    terms: dict[str, Tensor] = {}
    weights = {
        "clip": config.clip_weight,
        "localization": config.local_weight,
        "correlation": config.correlation_weight,
    }
    counting = torch.autocast(generator.device.type, torch.bfloat16, enabled=config.half)
    synthesize = partial(
        generator.synthesize, space=space, features=wanted, truncation=config.truncation
    )
    if config.clip_weight or local:
        with counting:
            after = synthesized(synthesize, moved)
    if config.clip_weight:
        pixels = _encoder_pixels(world.encoder, after.image, config)
        with counting:
            seen = torch.cat(in_parts(world.encoder.encode_pixels, pixels))
        terms["clip"] = losses.clip_loss(seen.float(), text)
    if local:
        with torch.no_grad(), counting:
            before = synthesized(synthesize, latents)
            old, new = (world.segmenter.masks(each, goal.regions) for each in (before, after))
        terms["localization"] = losses.localization_loss(
            {name: before.features[name] for name in names},
            {name: after.features[name] for name in names},
            losses.combine_masks(old, new, config.masks),
            distance=config.distance,
        )
    if config.correlation_weight and config.directions > 1:
        terms["correlation"] = losses.correlation_loss(directions, widths_of(generator, space))
    total = torch.stack([weights[name] * term for name, term in terms.items()]).sum()
    return {**terms, "total": total}


def _encoder_pixels(
    encoder: Encoder, images: Float[Tensor, "n 3 h w"], config: PaperConfig
) -> Float[Tensor, "n 3 s s"]:
    norm, mean, std = config.clip_norm, encoder.mean, encoder.std
    return losses.encoder_pixels(images, size=encoder.size, norm=norm, mean=mean, std=std)


def paper_plan(
    world: World,
    goal: Goal,
    config: PaperConfig,
    draws: Callable[[int], Draw] | None = None,
) -> Plan:
    """The whole training; `draws` replaces chance, for comparison with recorded runs.

    Raises UnknownName for layers or regions that do not exist, BadSetting when the weights
    leave nothing to minimise.
    """
    if not config.clip_weight and not (config.local_weight and goal.regions):
        raise BadSetting(
            "There is nothing to train: neither the prompt nor a region counts.",
            "Give a clip weight above 0, or a region and a local weight above 0.",
        )
    generator = world.generator
    with torch.no_grad():
        text = encoded_text(world.encoder, goal)
    scale = float(generator.spread(config.space).mean()) if config.scaled else 1.0
    drawn = draws or (lambda step: draw(config, step, z_dim=generator.z_dim))

    def loss(directions: Tensor, step: int) -> dict[str, Tensor]:
        return paper_losses(
            world, goal, config, text=text, directions=directions, drawn=drawn(step)
        )

    trained = layer_mask(generator, config.space, config.layers)
    return Plan(
        start=start_directions(generator, config) * trained,
        trained=trained,
        steps=config.steps,
        rate=lambda step: scale * learning_rate(config, step),
        loss=loss,
        finish=lambda vector: finish(world, goal, config, vector),
        facts={"rate_scale": scale},
    )


def finish(
    world: World, goal: Goal, config: PaperConfig, vector: Float[Tensor, " d"]
) -> Calibration:
    """Calibrate; the paper leaves it to people to find the strength of each direction."""
    view = View(world, config.space, config.truncation, config.half)
    return calibrate_for(view, vector, goal, MULTIPLES)


PAPER = trained("paper", PaperConfig, paper_plan)
PAPER_SCALED = trained("paper-scaled", PaperScaledConfig, paper_plan)
