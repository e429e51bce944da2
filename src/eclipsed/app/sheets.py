"""Sheets that show what directions do: side by side, across each other, layer by layer.

Each function draws one picture of the session's image or of seeds; nothing here changes a session.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from eclipsed.app.rendering import Renderer, at_strengths, png
from eclipsed.app.session import Line, Session, layers_of
from eclipsed.directions import Direction
from eclipsed.editing.animation import Kind, animated, there_and_back
from eclipsed.editing.images import strength_label, strip_picture, to_pil
from eclipsed.editing.stack import Edit
from eclipsed.errors import BadSetting
from eclipsed.types import World

LAYER_GROUPS = 6
MOST_IMAGES = 200  # in one sheet
ANIMATED = 24  # images of an interpolation
_FINE = 25  # strengths that equal steps are looked for among
_SEED = 1234  # of the random direction that others are held against


@dataclass(frozen=True)
class Row:
    """One direction of a comparison and what it is called there."""

    name: str
    direction: Direction


def alone(session: Session, edits: Sequence[Edit]) -> Session:
    """The session's image with these edits and no others."""
    lines = tuple(Line("", edit) for edit in edits)
    return replace(session, lines=lines, selected=None)


def palette(
    renderer: Renderer, session: Session, across: Direction, down: Direction, count: int = 5
) -> bytes:
    """A PNG of two directions against each other, from end to end of their ranges: one from left
    to right, the other from top to bottom."""
    columns, rows = (steps(direction, count) for direction in (across, down))
    sessions = [
        alone(session, [Edit(across, x), Edit(down, y)]) for y in reversed(rows) for x in columns
    ]
    images = renderer.images(sessions).unflatten(0, (len(rows), len(columns)))
    return _sheet(
        images,
        [strength_label(y) for y in reversed(rows)],
        [strength_label(x) for x in columns],
        f"{across.name} → and {down.name} ↑",
    )


def seeds_by_strengths(
    renderer: Renderer, session: Session, at: int, seeds: Sequence[int], count: int
) -> bytes:
    """A PNG of seeds (rows) with the whole stack, one line of it at strengths (columns).

    Raises BadSetting for more images than anybody looks at.
    """
    direction = session.lines[at].direction
    strengths = steps(direction, count)
    if not seeds or len(seeds) * len(strengths) > MOST_IMAGES:
        raise BadSetting(f"A sheet holds 1 to {MOST_IMAGES} images.", "Choose fewer seeds.")
    images = renderer.strip(session, at, seeds, strengths)
    labels = [strength_label(strength) for strength in strengths]
    return _sheet(images, [str(seed) for seed in seeds], labels, direction.name)


def layer_sheet(renderer: Renderer, session: Session, direction: Direction) -> bytes:
    """A PNG of what each range of layers does: the same edit at both ends of its range, on no
    layer, on all, and on a few neighbouring ones at a time."""
    layers = layers_of(direction, renderer.world.generator)
    groups = [
        tuple(int(layer) for layer in group)
        for group in np.array_split(np.arange(len(layers)), min(LAYER_GROUPS, len(layers)))
    ]
    low, high = direction.range
    strengths = [min(high, 1.0), max(low, -1.0)]
    sessions = [
        alone(session, [Edit(direction, strength, chosen, muted=muted)])
        for strength in strengths
        for chosen, muted in [(None, True), (None, False), *((group, False) for group in groups)]
    ]
    images = renderer.images(sessions).unflatten(0, (len(strengths), len(groups) + 2))
    labels = ["none", "all", *(_span(group) for group in groups)]
    return _sheet(images, [strength_label(x) for x in strengths], labels, direction.name)


def side_by_side(
    renderer: Renderer,
    session: Session,
    rows: Sequence[Row],
    count: int = 7,
    *,
    equal_change: bool = False,
) -> bytes:
    """A PNG with a row for each direction. Columns are equal strengths, or where `equal_change`,
    equal steps of change (root mean square over pixels), as far as the weakest row goes.

    Raises BadSetting for no rows.
    """
    if not rows:
        raise BadSetting("Nothing is chosen to compare.", "Choose at least one card.")
    ends = [(max(-2.0, row.direction.range[0]), min(2.0, row.direction.range[1])) for row in rows]
    fine = [
        at_each(session, row.direction, end, _FINE) for row, end in zip(rows, ends, strict=True)
    ]
    if not equal_change:
        low, high = min(end[0] for end in ends), max(end[1] for end in ends)
        drawn = [at_each(session, row.direction, (low, high), count) for row in rows]
        labels = [strength_label(float(x)) for x in np.linspace(low, high, count)]
        images = [renderer.images(row) for row in drawn]
    else:
        images, labels = _equal_steps(renderer, session, fine, count)
    return _sheet(torch.stack(images), [row.name for row in rows], labels, "")


def at_each(
    session: Session, direction: Direction, ends: tuple[float, float], count: int
) -> list[Session]:
    """The session's image with this direction alone, at strengths from end to end."""
    strengths = [float(x) for x in np.linspace(*ends, count)]
    return at_strengths(alone(session, [Edit(direction)]), 0, strengths)


def _equal_steps(
    renderer: Renderer, session: Session, fine: Sequence[Sequence[Session]], count: int
) -> tuple[list[Tensor], list[str]]:
    """Of each row's many images those that have changed by equal amounts, in both directions."""
    before = renderer.image(alone(session, ()))
    drawn = [renderer.images(row) for row in fine]
    changes = []
    for row, images in zip(fine, drawn, strict=True):
        size = (images - before).square().mean(dim=(1, 2, 3)).sqrt()
        signs = torch.tensor([one.lines[0].edit.strength for one in row]).sign().to(size)
        changes.append(size * signs)
    low = max(float(change.min()) for change in changes)
    high = min(float(change.max()) for change in changes)
    wanted = [float(x) for x in np.linspace(low, high, count)]
    chosen = [
        images[[int((change - each).abs().argmin()) for each in wanted]]
        for change, images in zip(changes, drawn, strict=True)
    ]
    return chosen, [strength_label(each) for each in wanted]


def random_row(like: Direction) -> Row:
    """A direction of random numbers, as long in each layer as another one, and as calibrated."""
    random = torch.Generator().manual_seed(_SEED)
    pieces = []
    for piece in like.vector.split([layer.width for layer in like.layers]):
        drawn = torch.randn(piece.shape, generator=random)
        pieces.append(drawn / drawn.norm().clamp_min(1e-12) * piece.norm())
    direction = replace(like, vector=torch.cat(pieces), name="random", prompt="", method="random")
    return Row("random", direction)


@torch.no_grad()
def style_channel(world: World, layer: int, channel: int) -> Row:
    """One channel of StyleSpace: strength 1 is three times how much it varies.

    Raises UnknownName where the generator has no such space, BadSetting for no such channel.
    """
    generator = world.generator
    layers = generator.layers("s")
    if not 0 <= layer < len(layers) or not 0 <= channel < layers[layer].width:
        raise BadSetting(f"There is no channel {channel} in layer {layer} of the styles.")
    width = sum(one.width for one in layers)
    vector = torch.zeros(width)
    vector[sum(one.width for one in layers[:layer]) + channel] = 1.0
    spread = float(generator.spread("s")[layer]) / layers[layer].width ** 0.5
    name = f"style {layer}/{channel}"
    direction = Direction(
        vector=vector,
        name=name,
        prompt="",
        neutral="",
        space="s",
        layers=layers,
        generator_name=generator.name,
        generator_fingerprint=generator.fingerprint,
        method="style channel",
        unit=max(1e-6, 3.0 * spread),
    )
    return Row(name, direction)


def interpolation(renderer: Renderer, session: Session, to: int, kind: Kind = "webp") -> bytes:
    """An animation from the session's seed to another and back, with its edits.

    Raises what `animated` raises where what it needs is missing.
    """
    generator = renderer.world.generator
    ends = generator.sample([session.seed, to], space="z")
    latents = [_between(ends, float(fraction)) for fraction in np.linspace(0.0, 1.0, ANIMATED)]
    pictures = [to_pil(renderer.image_of(session, latent)[0]) for latent in latents]
    return animated(there_and_back(pictures), kind)


def _between(ends: Float[Tensor, "2 d"], fraction: float) -> Float[Tensor, "1 d"]:
    """On the way from one z to another, as far from the centre as both are."""
    straight = torch.lerp(ends[0], ends[1], fraction)
    length = torch.lerp(ends[0].norm(), ends[1].norm(), fraction)
    latent: Tensor = straight / straight.norm().clamp_min(1e-12) * length
    return latent[None]


def steps(direction: Direction, count: int) -> list[float]:
    """Strengths from end to end of a direction's range."""
    return [round(float(x), 3) for x in np.linspace(*direction.range, count)]


def _span(group: Sequence[int]) -> str:
    return str(group[0]) if len(group) == 1 else f"{group[0]}–{group[-1]}"


def strength_sheet(
    images: Float[Tensor, "r c 3 h w"], rows: Sequence[str], strengths: Sequence[float]
) -> bytes:
    """A PNG of images, each row called by a text, each column by a strength."""
    return _sheet(images, rows, [strength_label(strength) for strength in strengths], "")


def _sheet(
    images: Float[Tensor, "r c 3 h w"], rows: Sequence[str], columns: Sequence[str], title: str
) -> bytes:
    picture: Image.Image = strip_picture(images, rows, columns, title=title)
    return png(picture)
