"""Preset `default`: directional, sign-symmetric, local, and started from where the answer shows.

A pool of sampled seeds is ranked by the encoder. A regression of its scores on the latents is the
start: unlike the best seeds' mean minus the worst's, it does not bring along what merely tends to
come with the answer. A second regression, of the pool's thumbnails outside the region, says what
each way through the latents changes there, and the start is bent away from it. Of its layers the
shortest run that loses nothing is kept. A few dozen steps refine it: positive strengths on seeds
that lack what is asked for, negative ones on seeds that have it, both held to the text's direction
in the encoder's space and to the region in features and pixels. The originals of all steps are the
pool's and cost nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from eclipsed.calibration import calibrate
from eclipsed.directions import keep_layers
from eclipsed.metrics import dilate, pixels_at
from eclipsed.objectives import (
    cap_norms,
    localization_loss,
    pixel_change,
    share_inside,
    text_yield,
)
from eclipsed.pool import (
    Originals,
    Pool,
    View,
    build_pool,
    fast_bfloat16,
    features_between,
    look_at,
    masks_of,
    picture,
    shrink,
)
from eclipsed.presets.plan import (
    Finish,
    Plan,
    check_layers,
    check_number,
    check_space,
    check_strengths,
    layer_mask,
    layer_spread,
    widths_of,
)
from eclipsed.types import Goal, Space, World

# The pool's seeds; scores and users count from 0, the paper's preset from 54321.
FIRST_SEED = 20_000_000
# Localization reads features of these heights: smaller ones cannot tell regions apart, larger
# ones cost memory and say what the pixels say.
FEATURE_SIZES = (16, 64)
# Masks grow by these pixels (of 128), as the score's do.
DILATION = 2
# Multiples of the warm start that are tried for its length; at 1 its longest layer is at the cap.
START_LENGTHS = (0.5, 0.65, 0.8, 1.0)
# Images of each kind that the search for length and layers looks at.
SEARCH_IMAGES = 6
# A start that yields less than this is taken for one that yields this much.
LEAST_YIELD = 0.02
# Images that calibration looks at.
HELD_OUT = 20


@dataclass(frozen=True, kw_only=True)
class DefaultConfig:
    """The numbers of the default preset.

    space: where the direction lives. steps, batch, rate: of Adam; the rate is in units of each
    layer's spread per coordinate and falls along a cosine. pool: how many seeds are ranked.
    originals: how many of them are trained on, at most half with and half without what is asked
    for. contrast: share of the pool that shows how images score that answer the prompt. ridge: how
    much the start's regression is held back, in units of the latents' variance. aloof: how much it
    is bent away from what changes the image outside the region. strengths: least and greatest
    |strength|, drawn with both signs. feature_weight, pixel_weight: of the change outside the
    region, against the text's weight of 1. norm_cap: longest layer, in units of that layer's
    spread. layers: indices that are trained; None searches for the shortest run that loses nothing,
    to within `layer_tolerance` of the loss. half: let the networks count in bfloat16 where the
    hardware is fast at it. seed: of the pool and of all draws.

    Raises BadSetting or UnknownName for numbers that make no sense.
    """

    space: Space = "w+"
    steps: int = 30
    batch: int = 6
    rate: float = 0.005
    pool: int = 1_024
    originals: int = 48
    contrast: float = 0.05
    ridge: float = 0.15
    aloof: float = 2.0
    strengths: tuple[float, float] = (0.8, 1.6)
    feature_weight: float = 0.5
    pixel_weight: float = 0.5
    norm_cap: float = 0.7
    truncation: float = 0.7
    layers: tuple[int, ...] | None = None
    layer_tolerance: float = 0.01
    half: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        check_space(self.space)
        check_layers(self.layers)
        check_number("steps", self.steps, 1)
        check_number("batch", self.batch, 2)
        check_number("originals", self.originals, 4)
        check_number("pool", self.pool, self.originals + 8)
        check_number("seed", self.seed, 0, 9_999)
        check_number("contrast", self.contrast, 0.0, 0.5)
        for name in ("ridge", "norm_cap"):
            check_number(name, getattr(self, name), 1e-6)
        for name in (
            "rate",
            "truncation",
            "aloof",
            "layer_tolerance",
            "feature_weight",
            "pixel_weight",
        ):
            check_number(name, getattr(self, name), 0.0)
        check_strengths(self.strengths)

    @property
    def preset(self) -> str:
        return "default"


@dataclass(frozen=True, eq=False)
class Target:
    """What is asked for, in the encoder's space: the unit direction [E] from neutral to prompt, and
    the levels along it of images that lack what is asked for (`low`) and that have it (`high`)."""

    text: Tensor
    low: float
    high: float

    def scores(self, embeddings: Float[Tensor, "n e"]) -> Float[Tensor, " n"]:
        """Where images lie on the way from low to high: about 0 to about 1."""
        return (embeddings @ self.text - self.low) / (self.high - self.low)


@dataclass(frozen=True, eq=False)
class Stage:
    """All that the steps look at and that does not change.

    originals: first `lacking` images that lack what is asked for, then those that have it.
    held_out: latents [H, D] that lack it and are not trained on. start: the warm start [D].
    yields: the yield that counts as full, which the warm start reaches at its best length.
    """

    view: View
    goal: Goal
    config: DefaultConfig
    target: Target
    originals: Originals
    lacking: int
    held_out: Tensor
    start: Tensor
    yields: float = 1.0

    @property
    def having(self) -> int:
        return self.originals.latents.shape[0] - self.lacking


def text_direction(world: World, goal: Goal) -> Float[Tensor, " e"]:
    """The unit vector from the neutral text's embedding to the prompt's."""
    prompt, neutral = world.encoder.encode_text([goal.prompt, goal.neutral])
    return F.normalize(prompt - neutral, dim=0)


@torch.no_grad()
def set_stage(world: World, goal: Goal, config: DefaultConfig) -> Stage:
    """Sample the pool, rank it along the text and hand out the parts."""
    generator = world.generator
    half = config.half and fast_bfloat16(generator.device)
    view = View(world, config.space, config.truncation, half)
    first = FIRST_SEED + config.seed * 10_000
    seeds = range(first, first + config.pool)
    pool = build_pool(view, seeds)
    text = text_direction(world, goal)
    along = pool.embeddings @ text
    order = along.argsort(descending=True, stable=True)
    lower = order[len(order) // 2 :]
    best = order[: max(2, round(config.contrast * len(order)))]
    low, high = float(along[lower].mean()), float(along[best].mean())
    # A text that no image answers has no levels; any gap keeps the numbers finite.
    target = Target(text, low, max(high, low + 1e-3))
    most = config.originals // 2
    answering = int((target.scores(pool.embeddings) > 0.5).sum())
    having = order[: min(most, max(4, answering))]
    trained_on = spaced(len(lower), most)
    lacking = lower[trained_on]
    held_out = lower[[row for row in range(len(lower)) if row not in set(trained_on)]]
    reading = bool(config.feature_weight and goal.regions)
    names = features_between(generator, *FEATURE_SIZES) if reading else ()
    originals = look_at(view, goal, pool.latents[torch.cat([lacking, having])], names)
    region = dilate(originals.masks, pixels_at(originals.masks.shape[1], DILATION))
    inside = shrink(region[:, None]).amax(dim=0)
    return Stage(
        view=view,
        goal=goal,
        config=config,
        target=target,
        originals=originals,
        lacking=len(lacking),
        held_out=pool.latents[held_out[spaced(len(held_out), HELD_OUT)]],
        start=regress(pool, sharpened(along), inside, ridge=config.ridge, aloof=config.aloof),
    )


def sharpened(along: Float[Tensor, " p"]) -> Float[Tensor, " p"]:
    """Scores for the regression to fit: what counts is who answers the prompt, and how clearly.

    Along the raw scores a cousin of the answer that many images show would win over the answer
    itself; the exponential leaves the cousins behind. The top hundredth is cut off, so that no
    single image decides.
    """
    wide = 2.0 * (along - along.mean()) / along.std().clamp_min(1e-12)
    sharp = wide.exp()
    return sharp.clamp_max(float(sharp.quantile(0.99)))


def regress(
    pool: Pool,
    scores: Float[Tensor, " p"],
    inside: Float[Tensor, "1 t t"],
    *,
    ridge: float,
    aloof: float,
) -> Float[Tensor, " d"]:
    """The vector along which a linear fit says that the score rises by 1, and little else happens.

    Ridge regression of the scores on the latents gives the slope b, that of the thumbnails'
    pixels, weighted by how little they are `inside` the region, a matrix A. The result is
    (1 + aloof·AᵀA)⁻¹ b, where AᵀA is in units of what a step of the same length in a random
    direction changes inside. `ridge` is in units of the mean variance of the lines on which the
    latents lie. Repeating numbers (W in W+) changes nothing.
    """
    around, rise = pool.latents - pool.latents.mean(dim=0), scores - scores.mean()
    pixels = (pool.thumbnails - pool.thumbnails.mean(dim=0)).flatten(1)
    within = inside.expand(pool.thumbnails.shape[1:]).flatten()
    # Slopes are sums of latents, so all is solved for the P weights of these sums.
    gram = around @ around.t()
    identity = torch.eye(len(gram)).to(gram)
    penalty = ridge * gram.square().sum() / gram.trace()
    weights = torch.linalg.solve(
        gram + penalty * identity, torch.cat([rise[:, None], pixels], dim=1)
    )
    slope, paint = weights[:, 0], weights[:, 1:]
    changes = (gram @ paint).square().sum(dim=0) / gram.trace()
    # A region that none of the images shows has no scale of its own.
    usual = (changes * within).sum() + 1e-3 * changes.sum()
    leaks = paint * (1.0 - within)
    bent = identity + aloof / usual.clamp_min(1e-12) * (leaks @ (leaks.t() @ gram))
    way = around.t() @ torch.linalg.solve(bent, slope)
    start: Tensor = way / (around @ way @ slope).clamp_min(1e-12)
    return start


def spaced(count: int, wanted: int) -> list[int]:
    """At most `wanted` different numbers below `count`, evenly spread."""
    wanted = min(count, wanted)
    return [index * count // wanted for index in range(wanted)]


def draw_batch(
    config: DefaultConfig, step: int, *, lacking: int, having: int
) -> tuple[Tensor, Tensor]:
    """Rows of the originals [B] and strengths [B] of a step, a function of seed and step alone.

    The originals list those that lack what is asked for first; they get positive strengths, the
    others negative ones.
    """
    random = np.random.default_rng([config.seed, step])
    add = config.batch - config.batch // 2
    rows = np.concatenate(
        [
            random.choice(lacking, size=add, replace=add > lacking),
            lacking + random.choice(having, size=config.batch - add),
        ]
    )
    sizes = random.uniform(*config.strengths, size=config.batch)
    signs = np.where(rows < lacking, 1.0, -1.0)
    return torch.from_numpy(rows), torch.from_numpy(sizes * signs).float()


def edit_losses(
    stage: Stage,
    vector: Float[Tensor, " d"],
    rows: Int[Tensor, " b"],
    strengths: Float[Tensor, " b"],
) -> dict[str, Tensor]:
    """The losses of moving the originals of these rows by strengths·vector, weighted into "total".

    "text": what the text's yield lacks, in units of `stage.yields`; with negative strengths images
    are to move against the text. "features", "pixels": the share of the change outside the
    region, before or after the edit.
    """
    config = stage.config
    before, strengths = stage.originals.take(rows.to(vector.device)), strengths.to(vector)
    moved = before.latents + strengths[:, None] * vector
    made, after = picture(stage.view, moved, list(before.features))
    gained = strengths.sign() * text_yield(after - before.embeddings, stage.target.text)
    # To move further than the start already does would cost locality, and earns nothing.
    terms = {"text": (1.0 - gained.mean() / stage.yields).clamp_min(0.0)}
    if stage.goal.regions:
        union = torch.maximum(before.masks, masks_of(stage.view, stage.goal, made))
        mask = dilate(union, pixels_at(union.shape[1], DILATION))
        if before.features:
            # The share outside, not one minus that inside: layers before the first edited one do
            # not change at all, and are not to blame.
            changed = {name: made.features[name] for name in before.features}
            terms["features"] = -localization_loss(
                before.features, changed, mask, mode="background"
            )
        change = pixel_change(before.images, made.image)
        terms["pixels"] = share_inside(change, 1.0 - mask).mean()
    weights = {"text": 1.0, "features": config.feature_weight, "pixels": config.pixel_weight}
    return {**terms, "total": torch.stack([weights[k] * x for k, x in terms.items()]).sum()}


def reach_of(start: Float[Tensor, " d"], widths: Sequence[int], caps: Sequence[float]) -> float:
    """The factor that brings the longest layer of the start, for its spread, to its cap."""
    norms = [float(layer.norm()) for layer in start.split(list(widths))]
    return 1.0 / max(1e-12, *(norm / cap for norm, cap in zip(norms, caps, strict=True)))


def search_length(
    start: Float[Tensor, " d"],
    loss: Callable[[Tensor], float],
    constrain: Callable[[Tensor], Tensor],
) -> Float[Tensor, " d"]:
    """The multiple of the start that the loss likes best."""
    return min((constrain(length * start[None])[0] for length in START_LENGTHS), key=loss)


def layer_edges(count: int) -> list[int]:
    """Where a run of layers may begin or end.

    Layers go in pairs after the first, as the resolutions of a StyleGAN do; in larger groups where
    there are so many that their runs would be too many to try.
    """
    return [0, *range(1, count, max(2, -(-count // 9))), count]


def search_layers(count: int, loss: Callable[[range], float], tolerance: float) -> tuple[int, ...]:
    """The shortest run of neighbouring layers that loses no more than the tolerance.

    First its end is searched, then its beginning: early layers decide what later ones draw, so an
    edit that needs the early ones loses by every layer taken from the front, and one that does not
    need them gains.
    """
    edges = layer_edges(count)
    ends = {edge: loss(range(edge)) for edge in edges[1:]}
    end = min(edge for edge, each in ends.items() if each <= min(ends.values()) + tolerance)
    begins = {edge: loss(range(edge, end)) for edge in edges if edge < end}
    best = min(begins.values())
    begin = max(edge for edge, each in begins.items() if each <= best + tolerance)
    return tuple(range(begin, end))


def falling(step: int, steps: int) -> float:
    """A cosine from 1 to 0.1 over the steps."""
    return 0.1 + 0.45 * (1.0 + math.cos(math.pi * step / steps))


def default_plan(world: World, goal: Goal, config: DefaultConfig) -> Plan:
    """Rank the pool, find start and layers, and lay out the steps.

    Raises UnknownName for layers or regions that do not exist.
    """
    generator, space = world.generator, config.space
    layer_mask(generator, space, config.layers)  # refuses strangers before any work
    stage = set_stage(world, goal, config)
    layers, widths = generator.layers(space), widths_of(generator, space)
    spread = layer_spread(generator, space)
    caps = (config.norm_cap * spread).tolist()

    def constrain(directions: Tensor) -> Tensor:
        return cap_norms(directions, widths, caps)

    def loss(directions: Tensor, step: int) -> dict[str, Tensor]:
        batch = draw_batch(config, step, lacking=stage.lacking, having=stage.having)
        return edit_losses(stage, directions[0], *batch)

    def looked(vector: Tensor) -> float:
        return look(stage, vector)["total"]

    def looked_along(run: range) -> float:
        return looked(keep_layers(start, layers, run))

    stage = replace(stage, start=stage.start * reach_of(stage.start, widths, caps))
    start = search_length(stage.start, lambda vector: look(stage, vector)["text"], constrain)
    stage = replace(stage, yields=max(1.0 - look(stage, start)["text"], LEAST_YIELD))
    chosen = config.layers or search_layers(len(layers), looked_along, config.layer_tolerance)
    trained = layer_mask(generator, space, chosen)
    start = search_length(stage.start * trained, looked, constrain)
    pieces = zip(spread, widths, strict=True)
    rate = config.rate * torch.cat([(s / width**0.5).expand(width) for s, width in pieces])
    return Plan(
        start=start[None],
        trained=trained,
        steps=config.steps,
        rate=lambda step: falling(step, config.steps) * rate,
        loss=loss,
        finish=lambda vector: finish(stage, vector),
        constrain=constrain,
        facts={
            "trained_layers": list(chosen),
            "precision": "bfloat16" if stage.view.half else "float32",
        },
    )


@torch.no_grad()
def look(stage: Stage, vector: Float[Tensor, " d"]) -> dict[str, float]:
    """The losses of a vector on a few originals of each kind, always the same, at strength ±1."""
    few = [spaced(stage.lacking, SEARCH_IMAGES), spaced(stage.having, SEARCH_IMAGES)]
    rows = torch.tensor([*few[0], *(stage.lacking + row for row in few[1])])
    signs = torch.tensor([1.0] * len(few[0]) + [-1.0] * len(few[1]))
    losses = edit_losses(stage, vector, rows, signs)
    return {name: float(value) for name, value in losses.items()}


def finish(stage: Stage, vector: Float[Tensor, " d"]) -> Finish:
    """Calibrate on the seeds that were held out."""
    done = calibrate(stage.view, stage.held_out, vector, stage.target.text)
    return Finish(unit=done.unit, range=done.range, facts={"yields": list(done.yields)})
