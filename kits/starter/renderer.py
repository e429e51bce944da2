"""Draws avatars exactly: images, and the label map of the parts that show.

    python -m kits.starter.renderer    # writes the art that the artifact score reads, parts.png

Every part of the art (python-avatars, MIT) is rasterised once, alone, with its colour set to black
and to white; premultiplied colour is affine in that fill, so any colour costs one multiply-add.
Avatars are then alpha-over composites of cropped parts. Where two values of a group are blended,
the outline is morphed by interpolating signed distances, so that hair grows and glasses thin out
rather than fading like a double exposure.
"""

from __future__ import annotations

import colorsys
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor

from eclipsed.errors import MissingExtra, install_command
from eclipsed.worlds.starter.artifacts import (
    FILL_OF,
    OPAQUE,
    SHAPES,
    SHEET,
    SHEET_ROWS,
    SIZE,
    SLOTS,
    region_of,
    values_of,
)
from eclipsed.worlds.starter.attributes import GROUP, GROUPS, HUES, SKIN_TONES
from eclipsed.worlds.starter.models import COVERED, COVERING, TABLE_SHAPE
from eclipsed.worlds.starter.world import WEIGHTS

Floats = NDArray[np.float32]

VIEW_BOX = "8 0 248 248"  # the square crop of the library's 264×280 canvas
_COLORED = ("Hair-Color", "Fabric-Color", "Facial-Hair-Color", "Skin-Color")
_SVG = "{http://www.w3.org/2000/svg}"
# Where the library's template puts each folder of parts, and what it sets there.
_PLACES = {
    "hair": "",
    "hat": "",
    "facial_hair": 'transform="translate(49 72)"',
    "accessories": 'transform="translate(62 85)"',
    "clothes": 'transform="translate(0 170)"',
    "mouth": 'transform="translate(78 134)" fill="#000000"',
    "nose": 'transform="translate(104 122)" fill="#000000" fill-opacity="0.16"',
    "eyes": 'transform="translate(76 90)" fill="#000000"',
    "eyebrows": 'transform="translate(76 82)" fill="#000000" fill-opacity="0.6"',
}
_NEEDED = ("python_avatars", "resvg_py", "scipy")  # packages that drawing needs
VISIBLE_SHARE = 0.6
SKIN_RAMP = ("#FFE3C8", "#F2C59B", "#DDA06B", "#B0703F", "#7A4A2C", "#573423")


@dataclass(frozen=True)
class Avatars:
    """N avatars.

    weights: group → [N, K], rows that sum to 1: one value, or a blend of two.
    skin: [N], from 0 (palest) to 1 (darkest), along SKIN_RAMP.
    background: [N, 2] in the unit disc; the angle is the hue, the radius the saturation.
    """

    weights: Mapping[str, Floats]
    skin: Floats
    background: Floats

    def __len__(self) -> int:
        return len(self.skin)

    def index(self, group: str) -> NDArray[np.intp]:
        """The strongest value of the group, [N]."""
        strongest: NDArray[np.intp] = self.weights[group].argmax(axis=1)
        return strongest


@dataclass(frozen=True)
class Drawing:
    """Drawn avatars and what shows where.

    images: uint8 [N, R, R, 3].
    labels: uint8 [N, R, R], indices into REGIONS.
    visible: group → bool [N]: at least VISIBLE_SHARE of the part's own pixels show.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    visible: Mapping[str, NDArray[np.bool_]]


@dataclass(frozen=True)
class _Part:
    """One rasterised part, cropped to `box`; its premultiplied colour is black + fill · tint.

    alpha: [h, w, 1]. distance: signed distance to the outline in pixels over the whole canvas,
    positive inside. fixed: the fill, where the art has one of its own. size: pixels it owns.
    """

    region: int
    box: tuple[slice, slice]
    black: Floats
    tint: Floats
    alpha: Floats
    distance: Floats
    fixed: Floats | None
    size: int


def hex_color(text: str) -> Floats:
    """'#RRGGBB' → float32 [3] in 0..1."""
    return np.array(ImageColor.getrgb(text), dtype=np.float32) / np.float32(255)


def hue_distances(background: NDArray[np.floating]) -> NDArray[np.floating]:
    """The distance of backgrounds [N, 2] to each of HUES on the ring, [N, H] in turns."""
    turns = np.arctan2(background[:, 1], background[:, 0]) / (2 * np.pi)
    return np.abs((turns[:, None] - np.array([*HUES.values()]) + 0.5) % 1.0 - 0.5)


def class_of(avatars: Avatars) -> dict[str, NDArray[np.intp]]:
    """The value shown per group of JUDGED, [N] indices."""
    classes = {g.name: avatars.index(g.name) for g in GROUPS}
    edges = np.array([high for _, high in SKIN_TONES.values()])
    classes["skin"] = np.searchsorted(edges, avatars.skin, side="right").clip(0, len(edges) - 1)
    classes["background"] = hue_distances(avatars.background).argmin(axis=1)
    return classes


def background_color(background: Floats) -> Floats:
    """Points of the unit disc [N, 2] → colours [N, 3], all of them light."""
    turns = (np.arctan2(background[:, 1], background[:, 0]) / (2 * np.pi)) % 1.0
    radius = np.clip(np.hypot(background[:, 0], background[:, 1]), 0, 1)
    rows = [colorsys.hsv_to_rgb(t, 0.5 * r, 0.93) for t, r in zip(turns, radius, strict=True)]
    return np.array(rows, dtype=np.float32).reshape(-1, 3)


def skin_color(skin: Floats) -> Floats:
    """Tones [N] in 0..1 → colours [N, 3] along SKIN_RAMP."""
    ramp = np.stack([hex_color(c) for c in SKIN_RAMP])
    at = np.linspace(0, 1, len(ramp))
    return np.stack([np.interp(skin, at, ramp[:, c]) for c in range(3)], axis=1).astype(np.float32)


def _art(name: str, fill: str) -> ElementTree.Element:
    """A file of the library's, its coloured element filled with `fill`."""
    art = resources.files("python_avatars").joinpath("avatar_parts", f"{name}.svg")
    root = ElementTree.fromstring(art.read_text(encoding="utf-8"))
    for element in root.iter():
        if element.get("id") in _COLORED:
            element.set("fill", fill)
    return root


def _part_svg(file: str, fill: str) -> str:
    """The SVG of one part alone in the square crop."""
    if file == "body":
        root = _art("styles/transparent", fill)
        body = next(e for e in root.iter(f"{_SVG}g") if e.get("id") == "Body")
        return _wrap((next(root.iter(f"{_SVG}defs")), body))
    folder = file.split("/")[0]
    parent = "top/" if folder in ("hair", "hat") else ""
    return _wrap(list(_art(f"{parent}{file}", fill)), _PLACES[folder])


def _wrap(elements: Iterable[ElementTree.Element], attributes: str = "") -> str:
    inside = "".join(ElementTree.tostring(element, encoding="unicode") for element in elements)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{VIEW_BOX}"><g stroke="none" stroke-width="1" fill="none" fill-rule="evenodd">'
        f"<g {attributes}>{inside}</g></g></svg>"
    )


def _rasterise(svg: str, size: int) -> NDArray[np.uint8]:
    """Straight RGBA [size, size, 4]."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"Drawing avatars needs the package {missing[0]!r}.",
            f"Install it: {install_command('starter')}",
        )
    import resvg_py

    png = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size))
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))


def _premultiplied(pixels: NDArray[np.uint8]) -> Floats:
    """Straight RGBA [H, W, 4] → premultiplied float32 in 0..1."""
    rgba = pixels.astype(np.float32) / np.float32(255)
    rgba[..., :3] *= rgba[..., 3:]
    return rgba


def _signed_distance(alpha: Floats, size: int) -> Floats:
    """Distance to the outline in pixels of a canvas of `size`, positive inside.

    alpha: [4·size, 4·size], so that the distance is known to a fraction of a pixel.
    """
    from scipy import ndimage

    inside = alpha > 0.5 * alpha.max()
    fine = ndimage.distance_transform_edt(inside) - ndimage.distance_transform_edt(~inside)
    return (fine.reshape(size, 4, size, 4).mean(axis=(1, 3)) / 4).astype(np.float32)


@cache
def _part(slot: str, index: int, size: int) -> _Part | None:
    """A value of a slot, rasterised once per size; None where nothing is drawn."""
    value = values_of(slot)[index]
    if value.file is None:
        return None
    black = _premultiplied(_rasterise(_part_svg(value.file, "#000000"), size))
    white = _premultiplied(_rasterise(_part_svg(value.file, "#FFFFFF"), size))
    fine = _premultiplied(_rasterise(_part_svg(value.file, "#000000"), 4 * size))[..., 3]
    rows, columns = np.where(black[..., 3] > 0)
    box = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
    return _Part(
        region=region_of(slot, value),
        box=box,
        black=black[box][..., :3],
        tint=(white[..., :3] - black[..., :3])[box],
        alpha=black[box][..., 3:],
        distance=_signed_distance(fine, size),
        fixed=hex_color(value.color) if value.color else None,
        size=int((black[..., 3] > OPAQUE).sum()),
    )


def save_parts(folder: Path) -> None:
    """Write the sheet that the artifact score reads: SHEET_ROWS, filled black and white."""
    values = [values_of(slot)[index] for slot, index in SHEET_ROWS]
    rows = [
        np.concatenate(
            [_rasterise(_part_svg(str(v.file), fill), SIZE) for fill in ("#000000", "#FFFFFF")],
            axis=1,
        )
        for v in values
    ]
    Image.fromarray(np.concatenate(rows)).save(folder / SHEET, optimize=True)


class Renderer:
    """Draws avatars at `resolution` pixels (a square); parts are rasterised on first use."""

    def __init__(self, resolution: int = 128) -> None:
        self.resolution = resolution

    def render(self, avatars: Avatars) -> Drawing:
        """Draw every avatar; deterministic."""
        n, size = len(avatars), self.resolution
        images = np.empty((n, size, size, 3), dtype=np.float32)
        images[:] = background_color(avatars.background)[:, None, None]
        slots = np.zeros((n, size, size), dtype=np.uint8)
        labels = np.zeros((n, size, size), dtype=np.uint8)
        skin = skin_color(avatars.skin)
        fills = {
            slot: avatars.weights[group]
            @ np.stack([hex_color(str(v.color)) for v in GROUP[group].values])
            for slot, group in FILL_OF.items()
        }
        sizes = {slot: np.zeros(n, dtype=np.int64) for slot in SLOTS}
        for i in range(n):
            for number, slot in enumerate(SLOTS, start=1):
                fill = fills.get(slot, skin)[i]
                weights = avatars.weights[slot][i] if slot in SHAPES else np.ones(1, np.float32)
                part = _blend(slot, weights, fill, size)
                if part is not None:
                    sizes[slot][i] = part.size
                    _over(images[i], slots[i], labels[i], part, fill, number)
        visible = self._visible(avatars, slots, sizes)
        return Drawing(np.clip(images * 255 + 0.5, 0, 255).astype(np.uint8), labels, visible)

    @staticmethod
    def _visible(
        avatars: Avatars, slots: NDArray[np.uint8], sizes: dict[str, NDArray[np.int64]]
    ) -> dict[str, NDArray[np.bool_]]:
        visible: dict[str, NDArray[np.bool_]] = {}
        for number, slot in enumerate(SLOTS, start=1):
            if slot in SHAPES:
                showing = (slots == number).sum(axis=(1, 2))
                visible[slot] = (sizes[slot] == 0) | (showing >= VISIBLE_SHARE * sizes[slot])
        hairy = np.array([v.file is not None and v.region is None for v in GROUP["top"].values])
        visible["hair color"] = hairy[avatars.index("top")]
        visible["clothes color"] = visible["clothes"]
        everywhere = np.ones(len(avatars), dtype=bool)
        return visible | {"skin": everywhere, "background": everywhere}


def _blend(slot: str, weights: Floats, fill: Floats, size: int) -> _Part | None:
    """The part of the strongest value, or the morph of the two strongest; None: nothing."""
    first = int(weights.argmax())
    if weights[first] > 0.999:
        return _part(slot, first, size)
    second = int(np.where(np.arange(len(weights)) == first, -1, weights).argmax())
    t = float(weights[second] / (weights[first] + weights[second]))
    a, b = _part(slot, first, size), _part(slot, second, size)
    return _morph(a, b, t, fill, size) if a is not None or b is not None else None


def _over(
    image: Floats,
    slots: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    part: _Part,
    fill: Floats,
    number: int,
) -> None:
    """Alpha-over of one part, in place."""
    color = part.black + part.tint * (fill if part.fixed is None else part.fixed)
    target = image[part.box]
    target *= 1 - part.alpha
    target += color
    owned = part.alpha[..., 0] > OPAQUE
    slots[part.box][owned] = number
    labels[part.box][owned] = part.region


def _canvas(part: _Part, fill: Floats, size: int) -> tuple[Floats, Floats]:
    """Premultiplied colour [R, R, 3] and alpha [R, R, 1] on the whole canvas."""
    color = np.zeros((size, size, 3), dtype=np.float32)
    alpha = np.zeros((size, size, 1), dtype=np.float32)
    color[part.box] = part.black + part.tint * (fill if part.fixed is None else part.fixed)
    alpha[part.box] = part.alpha
    return color, alpha


def _morph(a: _Part | None, b: _Part | None, t: float, fill: Floats, size: int) -> _Part:
    """A part between a (t = 0) and b (t = 1): interpolated outline, colours mixed where both cover.

    Against nothing, a part erodes: its signed distance is interpolated with a constant that is
    deep enough for the last pixel to vanish at t ≈ 0.6.
    """
    some = a if a is not None else b
    assert some is not None
    empty = np.full((size, size), -(0.6 * float(some.distance.max()) + 1), dtype=np.float32)
    distances = [p.distance if p is not None else empty for p in (a, b)]
    shares = (1 - t, t)
    cover: Floats = np.clip(shares[0] * distances[0] + shares[1] * distances[1] + 0.5, 0, 1)
    cover = cover[..., None]
    color = np.zeros((size, size, 3), dtype=np.float32)
    alpha = np.zeros((size, size, 1), dtype=np.float32)
    covered = np.zeros((size, size, 1), dtype=np.float32)
    for part, share, distance in zip((a, b), shares, distances, strict=True):
        if part is None:
            continue
        own_color, own_alpha = _canvas(part, fill, size)
        color += share * own_color
        alpha += share * own_alpha
        covered += share * np.clip(distance + 0.5, 0, 1)[..., None]
    # The second bound keeps alpha from exceeding 1.
    growth = np.minimum(cover / np.maximum(covered, 1e-3), 1 / np.maximum(alpha, 1e-3))
    ratio: Floats = np.where(alpha > 0, growth, 0).astype(np.float32, copy=False)
    dominant = a if (a is not None and (t < 0.5 or b is None)) else b
    assert dominant is not None
    alpha = alpha * ratio
    return _Part(
        region=dominant.region,
        box=(slice(0, size), slice(0, size)),
        black=color * ratio,
        tint=np.zeros((1, 1, 1), dtype=np.float32),
        alpha=alpha,
        distance=cover[..., 0],
        fixed=np.zeros(3, dtype=np.float32),
        size=int((alpha > OPAQUE).sum()),
    )


def visibility_table() -> NDArray[np.uint8]:
    """TABLE_SHAPE, for the judge: 1 where at least 60% of the part shows.

    Values past a group's last are 0.
    """
    table = np.zeros(TABLE_SHAPE, dtype=np.uint8)
    sizes = table.shape[2:]
    covering = dict(zip(COVERING, np.indices(sizes).reshape(len(sizes), -1), strict=True))
    n = int(np.prod(sizes))
    for value in range(table.shape[1]):
        weights = {
            name: np.eye(len(group.values), dtype=np.float32)[
                covering.get(name, np.full(n, min(value, len(group.values) - 1)))
            ]
            for name, group in GROUP.items()
        }
        plain = Avatars(weights, np.full(n, 0.3, np.float32), np.zeros((n, 2), np.float32))
        visible = Renderer(SIZE).render(plain).visible
        for number, group in enumerate(COVERED):
            if value < len(GROUP[group].values):
                table[number, value] = visible[group].reshape(sizes)
    return table


if __name__ == "__main__":
    save_parts(WEIGHTS.parent)
