"""Sheets that show what directions do: side by side, across each other, layer by layer.

Each function draws one picture of the session's image or of seeds, and no session is changed. What
is drawn of directions alone leaves the session's own edits out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from eclipsed.app.rendering import Renderer, at_strengths, png
from eclipsed.app.session import Line, Session, layers_of
from eclipsed.directions import Direction
from eclipsed.editing.animation import Kind, animated, need_video, there_and_back
from eclipsed.editing.images import strength_label, strip_picture, to_pil
from eclipsed.editing.stack import Edit
from eclipsed.editing.starts import Start
from eclipsed.errors import BadSetting
from eclipsed.types import World

COLUMNS = 7
SWEPT = 25  # images of an animation, one way; the way back repeats them
MOST_COMPARED = 8
_PALETTE = 5  # strengths of each direction
_LAYER_GROUPS = 6
_FINE = 25  # strengths that equal steps are looked for among
_SEED = 1234  # of the random direction that others are held against


def side_by_side(
    renderer: Renderer,
    session: Session,
    random: bool,
    channel: str,
    equal_change: bool,
    *directions: Direction,
) -> bytes:
    """A PNG with a row for each direction; with a random one like the first, and a channel of
    StyleSpace written "layer/channel", where asked for.

    Columns are equal strengths, or where `equal_change`, equal steps of change (root mean square
    over pixels), as far as the weakest row goes. Raises BadSetting for too many directions or none.
    """
    if not 0 < len(directions) <= MOST_COMPARED:
        raise BadSetting(f"From 1 to {MOST_COMPARED} cards fit side by side.")
    rows = list(directions)
    if random:
        rows.append(random_like(rows[0]))
    if channel.strip():
        rows.append(style_channel(renderer.world, channel))
    names = [row.name for row in rows]
    ends = [_shown_range(row) for row in rows]
    if equal_change:
        fine = [
            at_each(session, row, steps(*end, _FINE)) for row, end in zip(rows, ends, strict=True)
        ]
        images, changes = _equal_steps(renderer, session, fine, COLUMNS)
        return _sheet(torch.stack(images), names, changes)
    strengths = shown_strengths(min(low for low, _ in ends), max(high for _, high in ends), COLUMNS)
    images = [renderer.images(at_each(session, row, strengths)) for row in rows]
    return _sheet(torch.stack(images), names, strengths)


def palette(renderer: Renderer, session: Session, across: Direction, down: Direction) -> bytes:
    """A PNG of two directions against each other, from end to end of their ranges: one from left
    to right, the other from top to bottom."""
    columns = shown_strengths(*across.range, _PALETTE)
    rows = shown_strengths(*down.range, _PALETTE)[::-1]
    sessions = [alone(session, Edit(across, x), Edit(down, y)) for y in rows for x in columns]
    images = renderer.images(sessions).unflatten(0, (len(rows), len(columns)))
    return _sheet(images, rows, columns, f"{across.name} → and {down.name} ↑")


def layers(renderer: Renderer, session: Session, direction: Direction) -> bytes:
    """A PNG of what each range of layers does: the same edit at both ends of its range, on no
    layer, on all, and on a few neighbouring ones at a time."""
    count = len(layers_of(direction, renderer.world.generator))
    split = np.array_split(np.arange(count), min(_LAYER_GROUPS, count))
    groups: list[tuple[int, ...]] = [tuple(group.tolist()) for group in split]
    chosen = [(), None, *groups]
    low, high = direction.range
    strengths = [min(high, 1.0), max(low, -1.0)]
    sessions = [
        alone(session, Edit(direction, strength, some)) for strength in strengths for some in chosen
    ]
    images = renderer.images(sessions).unflatten(0, (len(strengths), len(chosen)))
    spans = [str(g[0]) if len(g) == 1 else f"{g[0]}–{g[-1]}" for g in groups]
    return _sheet(images, strengths, ["none", "all", *spans], direction.name)


def ranked(
    renderer: Renderer, session: Session, seeds: Sequence[tuple[str, int]], direction: Direction
) -> bytes:
    """A PNG of seeds, each with a word for it (rows), at strengths (columns)."""
    strengths = shown_strengths(*_shown_range(direction), COLUMNS)
    plain = replace(alone(session, Edit(direction)), truncation=renderer.world.truncation)
    images = renderer.strip(plain, 0, [seed for _, seed in seeds], strengths)
    names = [f"{word} {seed}" for word, seed in seeds]
    return _sheet(images, names, strengths, direction.name)


def strip(renderer: Renderer, session: Session, seeds: Sequence[int] | None = None) -> bytes:
    """A PNG of seeds, or None for the session's own image (rows), with the whole stack, the
    selected line from end to end of its range (columns)."""
    at = session.at_hand
    strengths = shown_strengths(*session.lines[at].direction.range, COLUMNS)
    if seeds is None:
        names = [session.image_name]
        images = renderer.images(at_strengths(session, at, strengths))[None]
    else:
        names = [f"seed {seed}" for seed in seeds]
        images = renderer.strip(session, at, seeds, strengths)
    title = " + ".join(line.direction.name for line in session.lines)
    return _sheet(images, names, strengths, title)


def sweep(renderer: Renderer, session: Session, kind: Kind, exif: bytes = b"") -> bytes:
    """An animation of the selected line going from end to end of its range and back.

    exif: as `animated` takes it. Raises what `animated` raises where what it needs is missing.
    """
    at = session.at_hand
    strengths = steps(*session.lines[at].direction.range, SWEPT)
    return _animation(renderer, at_strengths(session, at, strengths), kind, exif)


def interpolation(renderer: Renderer, session: Session, to: int, kind: Kind) -> bytes:
    """An animation from the session's seed to another and back, with its edits: every z on the way
    is as far from the centre as both are.

    Raises what `animated` raises where what it needs is missing.
    """
    ends = renderer.world.generator.sample([session.seed, to], space="z")
    way = torch.linspace(0.0, 1.0, SWEPT, device=ends.device)[:, None]
    first, last = ends.split(1)
    lengths = torch.lerp(first.norm(), last.norm(), way)
    latents = F.normalize(torch.lerp(first, last, way), dim=1) * lengths
    starts = [Start.of("", "z", latent) for latent in latents.split(1)]
    return _animation(renderer, [replace(session, start=start) for start in starts], kind)


def _animation(
    renderer: Renderer, sessions: Sequence[Session], kind: Kind, exif: bytes = b""
) -> bytes:
    if kind == "mp4":
        need_video()  # before pictures are drawn for nothing
    pictures = [to_pil(image) for image in renderer.images(sessions)]
    return animated(there_and_back(pictures), kind, exif=exif)


def random_like(direction: Direction) -> Direction:
    """A direction of random numbers, as long in each layer as another one, and as calibrated."""
    generator = torch.Generator().manual_seed(_SEED)
    pieces = []
    for piece in direction.vector.split([layer.width for layer in direction.layers]):
        noise = torch.randn(piece.shape, generator=generator)
        pieces.append(F.normalize(noise, dim=0) * piece.norm())
    vector = torch.cat(pieces)
    return replace(direction, vector=vector, name="random", prompt="", method="random")


@torch.no_grad()
def style_channel(world: World, text: str) -> Direction:
    """One channel of StyleSpace, written "layer/channel": strength 1 is three times how much it
    varies.

    Raises UnknownName where the generator has no such space, BadSetting for no such channel.
    """
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text.strip(), re.ASCII)
    if match is None:
        raise BadSetting("This is not a channel.", "Write it like 5/17.")
    layer, channel = int(match[1]), int(match[2])
    generator = world.generator
    cut = generator.layers("s")
    if layer >= len(cut) or channel >= cut[layer].width:
        raise BadSetting(f"There is no channel {channel} in layer {layer} of the styles.")
    widths = [one.width for one in cut]
    vector = torch.zeros(sum(widths))
    vector[sum(widths[:layer]) + channel] = 1.0
    spread = float(generator.spread("s")[layer]) / widths[layer] ** 0.5
    return Direction(
        vector=vector,
        name=f"style {layer}/{channel}",
        prompt="",
        neutral="",
        space="s",
        layers=cut,
        generator_name=generator.name,
        generator_fingerprint=generator.fingerprint,
        method="style channel",
        unit=max(1e-6, 3.0 * spread),
    )


def alone(session: Session, *edits: Edit) -> Session:
    """The session's image with these edits and no others."""
    return replace(session, lines=tuple(Line("", edit) for edit in edits), selected=None)


def at_each(session: Session, direction: Direction, strengths: Sequence[float]) -> list[Session]:
    """The session's image with this direction alone, at each strength."""
    return at_strengths(alone(session, Edit(direction)), 0, strengths)


def steps(low: float, high: float, count: int) -> list[float]:
    """So many numbers from end to end."""
    return [round(float(x), 3) for x in np.linspace(low, high, count)]


def shown_strengths(low: float, high: float, count: int) -> list[float]:
    """So many strengths from end to end, with 0 and 1 among them where they lie between: what does
    nothing, and what was asked for."""
    strengths = [round(strength, 2) for strength in steps(low, high, count)]
    for wanted in (0.0, 1.0):
        if low <= wanted <= high and wanted not in strengths:
            free = [index for index in range(count) if strengths[index] != 0.0]
            strengths[min(free, key=lambda index: abs(strengths[index] - wanted))] = wanted
    return sorted(strengths)


def _shown_range(direction: Direction) -> tuple[float, float]:
    """The card's range as far as it lies in -2 … 2."""
    low, high = direction.range
    return max(-2.0, low), min(2.0, high)


def _equal_steps(
    renderer: Renderer, session: Session, fine: Sequence[Sequence[Session]], count: int
) -> tuple[list[Tensor], list[float]]:
    """Of each row's many images those that have changed by equal amounts, in both directions, and
    these amounts."""
    before = renderer.image(alone(session))
    rows = [renderer.images(row) for row in fine]
    changes = []
    for row, images in zip(fine, rows, strict=True):
        size = (images - before).square().mean(dim=(1, 2, 3)).sqrt()
        signs = torch.tensor([one.lines[0].edit.strength for one in row]).sign().to(size)
        changes.append(size * signs)
    low = max(float(change.min()) for change in changes)
    high = min(float(change.max()) for change in changes)
    wanted = [float(x) for x in np.linspace(low, high, count)]
    chosen = [
        images[[int((change - each).abs().argmin()) for each in wanted]]
        for change, images in zip(changes, rows, strict=True)
    ]
    return chosen, wanted


def _sheet(
    images: Float[Tensor, "r c 3 h w"],
    rows: Sequence[str | float],
    columns: Sequence[str | float],
    title: str = "",
) -> bytes:
    """A see-through PNG of images; rows and columns are called by a text or a strength."""
    return png(strip_picture(images, _labels(rows), _labels(columns), title=title, clear=True))


def _labels(names: Sequence[str | float]) -> list[str]:
    return [name if isinstance(name, str) else strength_label(name) for name in names]
