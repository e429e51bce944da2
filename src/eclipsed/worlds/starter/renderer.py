"""Draws avatars exactly: images, and the label map of the parts that show.

Every part of the art (python-avatars, MIT) is rasterised once, alone, with its colour set to black
and to white; premultiplied colour is affine in that fill, so any colour costs one multiply-add.
Avatars are then alpha-over composites of cropped parts. Where two values of a group are blended,
the outline is morphed by interpolating signed distances, so that hair grows and glasses thin out
rather than fading like a double exposure.
"""

from __future__ import annotations

import colorsys
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib import resources
from importlib.util import find_spec
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from eclipsed.errors import MissingExtra
from eclipsed.worlds.starter.attributes import GROUP, GROUPS, REGIONS, SKIN_RAMP, Group, Value

Floats = NDArray[np.float32]

VIEW_BOX = "8 0 248 248"  # the square crop of the library's 264×280 canvas
_COLORED = ("Hair-Color", "Fabric-Color", "Facial-Hair-Color", "Skin-Color")
_SVG = "{http://www.w3.org/2000/svg}"
# Where the library's template puts each folder of parts (its slot), and what the slot sets.
_SLOTS = {
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
# Painter's order; the nose belongs to the skin and is not a group.
_ORDER = ("clothes", "mouth", "nose", "eyes", "brows", "top", "beard", "glasses")
_OPAQUE = 0.45  # a part owns a pixel from this coverage on
_NEEDED = ("python_avatars", "resvg_py", "scipy")  # packages that drawing needs and using does not
_COLOR_OF = {"top": "hair color", "clothes": "clothes color"}
VISIBLE_SHARE = 0.6
# The colours that an avatar is free in.
FILLS = ("background", "skin", "hair color", "clothes color")


@dataclass(frozen=True)
class Avatars:
    """N avatars.

    weights: group → [N, K], rows that sum to 1: one value, or a blend of two.
    skin: [N], from 0 (palest) to 1 (darkest).
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
class Tinted:
    """One avatar whose colours are left open: its image is black + Σ fill · tint.

    black: [R, R, 3] in 0..1, what is seen where every fill is black. tints: [4, R, R], how much of
    the fill of each of FILLS is seen; fills are the same share of red, green and blue.
    labels: uint8 [R, R], indices into REGIONS.
    """

    black: Floats
    tints: Floats
    labels: NDArray[np.uint8]


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
    values = np.array([int(text[i : i + 2], 16) for i in (1, 3, 5)], dtype=np.float32)
    return values / np.float32(255)


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


def _part_svg(file: str, fill: str) -> str:
    """The SVG of one part alone in the square crop, its coloured element filled with `fill`."""
    folder = file.split("/")[0]
    place = "top/" if folder in ("hair", "hat") else ""
    art = resources.files("python_avatars").joinpath("avatar_parts", f"{place}{file}.svg")
    root = ElementTree.fromstring(art.read_text(encoding="utf-8"))
    for element in root.iter():
        if element.get("id") in _COLORED:
            element.set("fill", fill)
    inside = "".join(ElementTree.tostring(child, encoding="unicode") for child in root)
    return _wrap(f"<g {_SLOTS[folder]}>{inside}</g>")


def _body_svg(fill: str) -> str:
    art = resources.files("python_avatars").joinpath("avatar_parts", "styles", "transparent.svg")
    root = ElementTree.fromstring(art.read_text(encoding="utf-8"))
    defs = next(root.iter(f"{_SVG}defs"))
    body = next(e for e in root.iter(f"{_SVG}g") if e.get("id") == "Body")
    for element in body.iter():
        if element.get("id") == "Skin-Color":
            element.set("fill", fill)
    return _wrap("".join(ElementTree.tostring(e, encoding="unicode") for e in (defs, body)))


def _wrap(inside: str) -> str:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{VIEW_BOX}"><g stroke="none" stroke-width="1" fill="none" fill-rule="evenodd">'
        f"{inside}</g></svg>"
    )


def _rasterise(svg: str, size: int) -> Floats:
    """Premultiplied RGBA float32 [size, size, 4] in 0..1."""
    import resvg_py  # the art is rasterised only where the world is remade or checked

    png = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size))
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"), dtype=np.float32)
    rgba = pixels / np.float32(255)
    rgba[..., :3] *= rgba[..., 3:]
    return rgba


def _signed_distance(alpha: Floats, size: int) -> Floats:
    """Distance to the outline in pixels of a canvas of `size`, positive inside.

    alpha: [4·size, 4·size], so that the distance is known to a fraction of a pixel.
    """
    from scipy import ndimage  # as for resvg_py: only where art is drawn

    inside = alpha > 0.5 * alpha.max()
    fine = ndimage.distance_transform_edt(inside) - ndimage.distance_transform_edt(~inside)
    distance: Floats = (fine.reshape(size, 4, size, 4).mean(axis=(1, 3)) / 4).astype(np.float32)
    return distance


def _part(draw: Callable[[str], str], size: int, region: str, color: str | None = None) -> _Part:
    """Rasterise what `draw` makes of a fill; `color` is its fill for good."""
    black = _rasterise(draw("#000000"), size)
    tint = _rasterise(draw("#FFFFFF"), size)[..., :3] - black[..., :3]
    fine = _rasterise(draw("#000000"), 4 * size)[..., 3]
    rows, columns = np.where(black[..., 3] > 0)
    box = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
    return _Part(
        region=REGIONS.index(region),
        box=box,
        black=black[box][..., :3],
        tint=tint[box],
        alpha=black[box][..., 3:],
        distance=_signed_distance(fine, size),
        fixed=hex_color(color) if color else None,
        size=int((black[..., 3] > _OPAQUE).sum()),
    )


@cache
def _parts_at(size: int) -> dict[str, list[_Part | None]]:
    """Slot → one part per value (None: nothing is drawn), rasterised once per size."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"Drawing avatars needs the package {missing[0]!r}.",
            "pip install 'eclipsed[starter]'.",
        )

    def parts(group: Group) -> list[_Part | None]:
        return [_value(value, value.region or group.region, size) for value in group.values]

    return {
        "body": [_part(_body_svg, size, "skin")],
        "nose": [_value(Value("nose", "nose/default"), "skin", size)],
        **{group.name: parts(group) for group in GROUPS if group.name in _ORDER},
    }


def _value(value: Value, region: str, size: int) -> _Part | None:
    if value.file is None:
        return None
    return _part(partial(_part_svg, value.file), size, region, value.color)


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
            for slot, group in _COLOR_OF.items()
        }
        sizes = {slot: np.zeros(n, dtype=np.int64) for slot in _ORDER}
        parts = _parts_at(size)
        body, nose = parts["body"][0], parts["nose"][0]
        assert body is not None
        for i in range(n):
            _over(images[i], slots[i], labels[i], body, skin[i], 1)
            for number, slot in enumerate(_ORDER, start=2):
                part: _Part | None = nose
                if slot != "nose":
                    part = self._blend(slot, avatars.weights[slot][i], fills.get(slot, skin)[i])
                if part is not None:
                    sizes[slot][i] = part.size
                    _over(images[i], slots[i], labels[i], part, fills.get(slot, skin)[i], number)
        visible = self._visible(avatars, slots, sizes)
        return Drawing(np.clip(images * 255 + 0.5, 0, 255).astype(np.uint8), labels, visible)

    def tinted(self, values: Mapping[str, int]) -> Tinted:
        """The avatar that shows these values, group → index, in colours still to be chosen."""
        size = self.resolution
        # Three channels of what is there anyway, and one for each fill.
        canvas = np.zeros((size, size, 3 + len(FILLS)), dtype=np.float32)
        canvas[..., 3 + FILLS.index("background")] = 1.0
        labels = np.zeros((size, size), dtype=np.uint8)
        parts = _parts_at(size)
        drawn = [("body", parts["body"][0])]
        drawn += [(s, parts[s][0 if s == "nose" else values[s]]) for s in _ORDER]
        for slot, part in drawn:
            if part is None:
                continue
            fill = 3 + FILLS.index(_COLOR_OF.get(slot, "skin"))
            target = canvas[part.box]
            target *= 1 - part.alpha
            target[..., :3] += part.black
            if part.fixed is None:
                target[..., fill] += part.tint.mean(axis=2)
            else:
                target[..., :3] += part.tint * part.fixed
            labels[part.box][part.alpha[..., 0] > _OPAQUE] = part.region
        tints = np.ascontiguousarray(canvas[..., 3:].transpose(2, 0, 1))
        return Tinted(canvas[..., :3].copy(), tints, labels)

    def _blend(self, slot: str, weights: Floats, fill: Floats) -> _Part | None:
        """The part of the strongest value, or the morph of the two strongest; None: nothing."""
        parts = _parts_at(self.resolution)[slot]
        first = int(weights.argmax())
        if weights[first] > 0.999:
            return parts[first]
        second = int(np.where(np.arange(len(weights)) == first, -1, weights).argmax())
        t = float(weights[second] / (weights[first] + weights[second]))
        a, b = parts[first], parts[second]
        if a is None and b is None:
            return None
        return _morph(a, b, t, fill, self.resolution)

    @staticmethod
    def _visible(
        avatars: Avatars, slots: NDArray[np.uint8], sizes: dict[str, NDArray[np.int64]]
    ) -> dict[str, NDArray[np.bool_]]:
        visible: dict[str, NDArray[np.bool_]] = {}
        for number, slot in enumerate(_ORDER, start=2):
            if slot == "nose":
                continue  # no group asks for it
            showing = (slots == number).sum(axis=(1, 2))
            visible[slot] = (sizes[slot] == 0) | (showing >= VISIBLE_SHARE * sizes[slot])
        hairy = np.array([v.file is not None and v.region is None for v in GROUP["top"].values])
        visible["hair color"] = hairy[avatars.index("top")]
        visible["clothes color"] = visible["clothes"]
        everywhere = np.ones(len(avatars), dtype=bool)
        return visible | {"skin": everywhere, "background": everywhere}


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
    owned = part.alpha[..., 0] > _OPAQUE
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
        size=int((alpha > _OPAQUE).sum()),
    )
