"""Houses of 64×64 pixels: what they are made of, their exact pictures and their exact regions.

Every value of a part is drawn once, eight times too large, and shrunk to a layer: how much of each
pixel it covers, and in which colour. A house is a stack of layers, so two values can be mixed, as
they are half way between two houses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Floats = NDArray[np.float32]
Color = tuple[int, int, int]

SIZE = 64
FINE = 8  # layers are drawn this many times larger
REGIONS = ("sky", "garden", "wall", "roof", "door", "windows", "chimney")
# Who decides what is drawn: shapes, or colours and the sky.
SHAPE, COLOUR = "shape", "colour"


@dataclass(frozen=True)
class Group:
    """A thing about a house that has one of several values; the first is the usual one."""

    name: str
    kind: str
    values: tuple[str, ...]


GROUPS = (
    Group("roof", SHAPE, ("pointed", "flat", "dome", "stepped")),
    Group("windows", SHAPE, ("square", "round", "shuttered", "none")),
    Group("door", SHAPE, ("plain", "arched", "double", "none")),
    Group("chimney", SHAPE, ("none", "plain", "smoking")),
    Group("garden", SHAPE, ("lawn", "tree", "fence", "flowers")),
    Group("sky", COLOUR, ("day", "night", "sunset", "clouds")),
    Group("roof color", COLOUR, ("red", "brown", "blue", "green", "gray")),
    Group("wall color", COLOUR, ("white", "yellow", "pink", "gray")),
    Group("door color", COLOUR, ("brown", "red", "green", "blue")),
)

COLORS: Mapping[str, Mapping[str, Color]] = {
    "roof color": {
        "red": (206, 52, 46),
        "brown": (126, 80, 48),
        "blue": (58, 92, 196),
        "green": (56, 138, 74),
        "gray": (104, 110, 122),
    },
    "wall color": {
        "white": (246, 243, 236),
        "yellow": (246, 208, 92),
        "pink": (242, 158, 176),
        "gray": (172, 172, 170),
    },
    "door color": {
        "brown": (122, 78, 46),
        "red": (196, 44, 44),
        "green": (42, 128, 66),
        "blue": (44, 78, 186),
    },
}


class _Pen:
    """Draws in units of a pixel of the house."""

    def __init__(self) -> None:
        self.image = Image.new("RGBA", (SIZE * FINE, SIZE * FINE))
        self._draw = ImageDraw.Draw(self.image)

    def box(self, left: float, top: float, right: float, bottom: float, fill: Color) -> None:
        self._draw.rectangle(_fine((left, top), (right, bottom), inner=True), fill=fill)

    def polygon(self, *corners: tuple[float, float], fill: Color) -> None:
        self._draw.polygon(_fine(*corners), fill=fill)

    def disc(self, x: float, y: float, wide: float, fill: Color, high: float = 0.0) -> None:
        """An ellipse around (x, y) with these radii."""
        high = high or wide
        self._draw.ellipse(_fine((x - wide, y - high), (x + wide, y + high), inner=True), fill=fill)

    def half_disc(self, x: float, bottom: float, wide: float, high: float, fill: Color) -> None:
        """The upper half of an ellipse."""
        ends = (x - wide, bottom - high), (x + wide, bottom + high)
        self._draw.pieslice(_fine(*ends, inner=True), 180, 360, fill=fill)


def _fine(*points: tuple[float, float], inner: bool = False) -> list[tuple[float, float]]:
    """Points in the large drawing; Pillow counts the last row and column of a box as inside."""
    last = 1 if inner else 0
    fine = [(x * FINE, y * FINE) for x, y in points]
    return [*fine[:-1], (fine[-1][0] - last, fine[-1][1] - last)]


Draw = Callable[[_Pen], None]


@dataclass(frozen=True)
class Layer:
    """A group's pictures, one for each value that shows something.

    color: the group whose colour the layer's grey levels are multiplied with, or none.
    """

    group: str
    region: str
    pictures: Mapping[str, Draw]
    color: str = ""


def _grey(level: int) -> Color:
    return (level, level, level)


def _sky(top: Color, bottom: Color, more: Draw) -> Draw:
    def draw(pen: _Pen) -> None:
        for y in range(SIZE):
            t = min(1.0, y / 50)
            row = tuple(round(a + t * (b - a)) for a, b in zip(top, bottom, strict=True))
            pen.box(0, y, SIZE, y + 1, (row[0], row[1], row[2]))
        more(pen)

    return draw


def _sun(pen: _Pen) -> None:
    pen.disc(9, 10, 5, (255, 226, 92))


def _moon(pen: _Pen) -> None:
    pen.disc(9, 10, 5, (244, 238, 205))
    pen.disc(11.5, 8.5, 4.5, (20, 26, 62))
    for x, y in ((20, 5), (27, 13), (3, 22), (17, 18), (36, 4), (59, 9), (61, 22), (51, 16)):
        pen.disc(x, y, 1, (240, 240, 225))


def _low_sun(pen: _Pen) -> None:
    pen.disc(9, 31, 6, (255, 236, 150))


def _clouds(pen: _Pen) -> None:
    for x, y, r in ((8, 11, 5), (15, 9, 6), (22, 12, 4), (53, 17, 4), (59, 14, 5)):
        pen.disc(x, y, r, (214, 219, 224), high=r * 0.7)


def _ground(pen: _Pen) -> None:
    pen.disc(32, 70, 60, (104, 172, 82), high=22)
    pen.polygon((27, 54), (37, 54), (43, 64), (21, 64), fill=(206, 188, 150))


def _chimney(pen: _Pen) -> None:
    pen.box(42, 12, 48, 30, (158, 76, 60))
    pen.box(41, 11, 49, 13.5, (122, 56, 46))


def _smoking(pen: _Pen) -> None:
    _chimney(pen)
    for x, y, r in ((45, 8.5, 1.8), (47.5, 5.5, 2.6), (52, 3, 3)):
        pen.disc(x, y, r, (236, 236, 240))


def _pointed(pen: _Pen) -> None:
    pen.polygon((8, 31), (32, 7), (56, 31), fill=_grey(255))
    pen.box(8, 29.6, 56, 31, _grey(190))
    for y in (14, 19, 24):
        half = (y - 8.5) * 0.8
        pen.box(32 - half, y, 32 + half, y + 0.9, _grey(205))


def _flat(pen: _Pen) -> None:
    pen.box(10, 23, 54, 31, _grey(255))
    pen.box(10, 29.4, 54, 31, _grey(190))


def _dome(pen: _Pen) -> None:
    pen.half_disc(32, 31, 20, 21, _grey(255))
    pen.box(31, 6.5, 33, 11, _grey(255))
    pen.box(11, 29.4, 53, 31, _grey(190))


def _stepped(pen: _Pen) -> None:
    for inset, top in ((0, 23), (7.5, 15), (15, 7)):
        pen.box(10 + inset, top, 54 - inset, 31, _grey(255))
        pen.box(10 + inset, top, 54 - inset, top + 1.2, _grey(200))
    pen.box(10, 29.6, 54, 31, _grey(190))


def _wall(pen: _Pen) -> None:
    pen.box(13, 30, 51, 55, _grey(255))
    pen.box(13, 31, 51, 32.5, _grey(215))  # the roof's shadow
    pen.box(13, 53.5, 51, 55, _grey(200))


_FRAME, _PANE, _SHUTTER = (250, 250, 246), (74, 120, 160), (60, 120, 84)


def _at_both(draw: Callable[[_Pen, float], None]) -> Draw:
    def both(pen: _Pen) -> None:
        for x in (20.0, 44.0):
            draw(pen, x)

    return both


def _square(pen: _Pen, x: float) -> None:
    pen.box(x - 4.5, 36, x + 4.5, 45, _FRAME)
    pen.box(x - 3.5, 37, x - 0.5, 40, _PANE)
    pen.box(x + 0.5, 37, x + 3.5, 40, _PANE)
    pen.box(x - 3.5, 41, x - 0.5, 44, _PANE)
    pen.box(x + 0.5, 41, x + 3.5, 44, _PANE)


def _round(pen: _Pen, x: float) -> None:
    pen.disc(x, 40.5, 4.5, _FRAME)
    pen.disc(x, 40.5, 3.2, _PANE)


def _shuttered(pen: _Pen, x: float) -> None:
    pen.box(x - 2.5, 36, x + 2.5, 45, _FRAME)
    pen.box(x - 1.6, 37, x + 1.6, 44, _PANE)
    for left in (x - 5.5, x + 2.5):
        pen.box(left, 36, left + 3, 45, _SHUTTER)


def _plain_door(pen: _Pen) -> None:
    pen.box(28, 42, 36, 55, _grey(255))
    pen.box(34, 48, 35.2, 49.4, _grey(120))


def _arched_door(pen: _Pen) -> None:
    pen.half_disc(32, 42.5, 5, 7, _grey(255))
    pen.box(27, 42, 37, 55, _grey(255))
    pen.box(34.6, 47.5, 35.8, 49, _grey(120))


def _double_door(pen: _Pen) -> None:
    pen.box(26, 41, 38, 55, _grey(255))
    pen.box(31.5, 41, 32.5, 55, _grey(130))
    pen.box(29.8, 47.5, 31, 49, _grey(120))
    pen.box(33, 47.5, 34.2, 49, _grey(120))


def _tree(pen: _Pen) -> None:
    pen.box(5.5, 40, 8.5, 56, (104, 72, 46))
    for x, y, r in ((7, 32, 6), (4.5, 37.5, 4.5), (9, 37.5, 4.5)):
        pen.disc(x, y, r, (36, 112, 54))


def _fence(pen: _Pen) -> None:
    for x in (0, 4, 8, 54, 58, 62):
        pen.polygon((x, 58), (x, 48), (x + 1.2, 46), (x + 2.4, 48), (x + 2.4, 58), fill=_FRAME)
    for left, right in ((0, 11), (53, 64)):
        pen.box(left, 50, right, 51.5, _FRAME)
        pen.box(left, 54.5, right, 56, _FRAME)


def _flowers(pen: _Pen) -> None:
    colors = ((232, 52, 70), (250, 214, 60), (238, 110, 190))
    places = ((4, 56), (10.5, 59.5), (17, 57), (47, 57), (53.5, 59.5), (60, 56))
    for number, (x, y) in enumerate(places):
        pen.disc(x, y, 2.8, colors[number % 3])


LAYERS = (
    Layer(
        "sky",
        "sky",
        {
            "day": _sky((92, 170, 238), (186, 222, 248), _sun),
            "night": _sky((14, 20, 54), (44, 52, 104), _moon),
            "sunset": _sky((150, 84, 140), (252, 160, 84), _low_sun),
            "clouds": _sky((136, 146, 158), (178, 186, 194), _clouds),
        },
    ),
    Layer("", "garden", {"": _ground}),
    Layer("chimney", "chimney", {"plain": _chimney, "smoking": _smoking}),
    Layer("", "wall", {"": _wall}, "wall color"),
    Layer(
        "roof",
        "roof",
        {"pointed": _pointed, "flat": _flat, "dome": _dome, "stepped": _stepped},
        "roof color",
    ),
    Layer(
        "windows",
        "windows",
        {
            "square": _at_both(_square),
            "round": _at_both(_round),
            "shuttered": _at_both(_shuttered),
        },
    ),
    Layer(
        "door",
        "door",
        {"plain": _plain_door, "arched": _arched_door, "double": _double_door},
        "door color",
    ),
    Layer("garden", "garden", {"tree": _tree, "fence": _fence, "flowers": _flowers}),
)


@cache
def _pixels(number: int) -> Floats:
    """The pictures [K, SIZE, SIZE, 4] of a layer: colour × cover, then cover, all in [0, 1]."""
    layer = LAYERS[number]
    names = next((group.values for group in GROUPS if group.name == layer.group), ("",))
    pixels = np.zeros((len(names), SIZE, SIZE, 4), dtype=np.float32)
    for row, name in enumerate(names):
        if name in layer.pictures:
            pen = _Pen()
            layer.pictures[name](pen)
            fine = np.asarray(pen.image, dtype=np.float32) / 255
            fine = fine * np.concatenate(
                [fine[..., 3:].repeat(3, 2), np.ones_like(fine[..., :1])], 2
            )
            pixels[row] = fine.reshape(SIZE, FINE, SIZE, FINE, 4).mean(axis=(1, 3))
    return pixels


def render(houses: Mapping[str, Floats]) -> tuple[Floats, NDArray[np.intp]]:
    """Houses → images [N, SIZE, SIZE, 3] in [0, 1], and the region of every pixel.

    houses: group → the weight of each of its values, [N, K], rows of sum 1. Regions are indices
    into REGIONS, [N, SIZE, SIZE]: what covers most of a pixel.
    """
    n = len(houses["roof"])
    images = np.zeros((n, SIZE, SIZE, 3), dtype=np.float32)
    cover = np.zeros((n, SIZE, SIZE, len(REGIONS)), dtype=np.float32)
    for number, layer in enumerate(LAYERS):
        pictures = _pixels(number)
        weights = houses.get(layer.group, np.ones((n, 1), dtype=np.float32))
        drawn = (weights @ pictures.reshape(len(pictures), -1)).reshape(n, SIZE, SIZE, 4)
        paint, shown = drawn[..., :3], drawn[..., 3:]
        if layer.color:
            colors = np.array(list(COLORS[layer.color].values()), dtype=np.float32) / 255
            paint = paint * (houses[layer.color] @ colors)[:, None, None]
        images = images * (1 - shown) + paint
        cover *= 1 - shown
        cover[..., REGIONS.index(layer.region)] += shown[..., 0]
    return images, cover.argmax(axis=3)


def one_hot(houses: Mapping[str, NDArray[np.intp]]) -> dict[str, Floats]:
    """Houses by the number of the value of each group, [N], as `render` takes them."""
    return {
        group.name: np.eye(len(group.values), dtype=np.float32)[houses[group.name]]
        for group in GROUPS
    }
