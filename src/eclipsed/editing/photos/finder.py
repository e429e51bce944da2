"""Finds the images of a world in photos: avatars in a screenshot, rendered heads in a scene.

All images of such a world show a face in the same place, so what is looked for is the image's whole
square, turned, moved and scaled. The scout looks at every place of a pyramid, the aligner looks
again at each square that seems one and corrects it. Both are small, and trained for one world.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn
from torch.nn import functional as F

from eclipsed.checkpoints.weights import fill, unfilled
from eclipsed.editing.photos.crop import Crop, shrinking, shrunk
from eclipsed.editing.photos.overlaps import without_overlaps
from eclipsed.errors import BadFile
from eclipsed.files import StrPath, read_bytes, read_tensors, shown
from eclipsed.types import Face, Point

SEEN = 32  # pixels of a square's side, as the scout sees it
VIEW = 64  # pixels of what the aligner sees: the square and a tenth of its side around it
MARGIN = 1.2
SMALLEST = 40  # pixels of a square's side, the smallest one that is looked for
LONGEST = 1024  # pixels: of larger photos, which are reduced first, the smallest square grows
_STRIDE = 4  # of the scout's answers
_SCALE_STEP = math.sqrt(2)
# Scores: the scout's, the aligner's first, its last. Leaves and petals score up to .99.
_SEEMS, _LIKELY, _SURE = 0.25, 0.3, 0.992
_STEADY = 0.06  # of a side, and in radians
_WHOLE = 0.08  # of a side: how far the corners of a square photo may be from one that is found
_MOST = 48  # squares that are looked at again
_PASSES = 4
_MOST_BYTES = 16 * 2**20


def _conv(inputs: int, outputs: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=dilation, dilation=dilation, bias=False),
        nn.BatchNorm2d(outputs),
        nn.SiLU(),
    )


class Scout(nn.Module):
    """Pictures in [-1, 1] → for every fourth pixel: whether a square of SEEN pixels has its centre
    there (a logit), where exactly (x, y in sides), and the logarithm of its scale."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _conv(3, 12, 2),
            _conv(12, 24, 2),
            _conv(24, 24),
            _conv(24, 32, dilation=2),
            _conv(32, 32),
            nn.Conv2d(32, 4, 1),
        )

    def forward(self, x: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 4 i j"]:
        answers: Tensor = self.layers(x.contiguous(memory_format=torch.channels_last))
        return answers


class Aligner(nn.Module):
    """Views of VIEW pixels in [-1, 1] → whether a square is there (a logit), where its centre is
    (x, y in sides of the view's square), the logarithm of its scale, and its turn in radians."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _conv(3, 16, 2),
            _conv(16, 32, 2),
            _conv(32, 32),
            _conv(32, 48, 2),
            _conv(48, 48),
            _conv(48, 64, 2),
            nn.Flatten(),
            nn.Linear(64 * (VIEW // 16) ** 2, 128),
            nn.SiLU(),
            nn.Linear(128, 5),
        )

    def forward(self, x: Float[Tensor, "n 3 v v"]) -> Float[Tensor, "n 5"]:
        answers: Tensor = self.layers(x.contiguous(memory_format=torch.channels_last))
        return answers


@dataclass(frozen=True)
class Square:
    """A square in a photo: its centre and side in pixels, its turn in radians, clockwise."""

    x: float
    y: float
    side: float
    turn: float = 0.0

    def corners(self, margin: float = 1.0) -> Float64[np.ndarray, "4 2"]:
        """As of a Crop, with so many times the side."""
        across = np.array([math.cos(self.turn), math.sin(self.turn)]) * self.side * margin / 2
        down = np.array([-across[1], across[0]])
        centre = np.array([self.x, self.y])
        return np.stack(
            [
                centre - across - down,
                centre - across + down,
                centre + across + down,
                centre + across - down,
            ]
        )

    def corrected(self, x: float, y: float, scale: float, turn: float) -> Square:
        """By what the aligner says of it."""
        cos, sin = math.cos(self.turn) * self.side, math.sin(self.turn) * self.side
        return Square(
            self.x + x * cos - y * sin,
            self.y + x * sin + y * cos,
            self.side * math.exp(scale),
            self.turn + turn,
        )

    @property
    def box(self) -> tuple[float, float, float, float]:
        low, high = self.corners().min(0), self.corners().max(0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])


@dataclass(frozen=True, eq=False)
class Finder:
    """Both networks as a detector (eclipsed.types.Detector) of a world with that frame."""

    scout: Scout
    aligner: Aligner
    frame: tuple[Point, ...]
    name: str = "finder"

    def smallest(self, height: int, width: int) -> float:
        return float(SMALLEST * shrinking(height, width, LONGEST))

    @torch.inference_mode()
    def find(self, pixels: Float[Tensor, "h w 3"]) -> tuple[Face, ...]:
        """The world's images in a photo, from the left to the right; pixels in [0, 1]."""
        picture, factor = shrunk(pixels, LONGEST)
        squares = self._candidates(picture)
        for _ in range(_PASSES - 1):
            squares, _ = self._aligned(picture, squares, _LIKELY)
        squares, scores = self._aligned(picture, squares, _SURE, _STEADY)
        squares = [
            Square(each.x * factor, each.y * factor, each.side * factor, each.turn)
            for each in squares
        ]
        if factor > 1:
            squares, scores = self._aligned(pixels, squares, _SURE, _STEADY)
        return self._faces([_exact(each, *pixels.shape[:2]) for each in squares], scores)

    @property
    def _device(self) -> torch.device:
        return next(self.scout.parameters()).device

    def _candidates(self, picture: Float[Tensor, "h w 3"]) -> list[Square]:
        """What the scout takes for a square, surest first."""
        height, width = picture.shape[:2]
        image = picture.permute(2, 0, 1)[None].to(self._device) * 2 - 1
        answers = []
        for side in _sides(height, width):
            scale = SEEN / side
            size = [max(SEEN, round(extent * scale)) for extent in (height, width)]
            resized = F.interpolate(image, size, mode="bilinear", antialias=True)
            answer = self.scout(resized)[0].cpu()
            score = answer[0].sigmoid()
            peak = F.max_pool2d(score[None], 3, 1, padding=1)[0]
            rows, columns = torch.nonzero((score == peak) & (score > _SEEMS), as_tuple=True)
            found = answer[1:, rows, columns]
            at = (torch.stack([columns, rows]) + 0.5) * _STRIDE + found[:2] * SEEN
            extents = torch.tensor([width / size[1], height / size[0]])[:, None]
            sides = side * found[2].clamp(-0.5, 0.5).exp()
            answers.append(torch.cat([at * extents, sides[None], score[rows, columns][None]]).T)
        x, y, side, score = torch.cat(answers).T
        boxes = torch.stack([x - side / 2, y - side / 2, x + side / 2, y + side / 2], 1)
        picks = without_overlaps(boxes, score, 0.5)[:_MOST]
        return [Square(*numbers) for numbers in torch.stack([x, y, side], 1)[picks].tolist()]

    def _aligned(
        self,
        pixels: Float[Tensor, "h w 3"],
        squares: list[Square],
        least: float,
        most: float = math.inf,
    ) -> tuple[list[Square], list[float]]:
        """Those squares that the aligner takes for one, corrected, and how sure it is.

        most: by how much the last correction may move a side; what is none drifts on and on.
        """
        height, width = pixels.shape[:2]
        inside = [each for each in squares if 0 <= each.x <= width and 0 <= each.y <= height]
        inside = [each for each in inside if each.side * MARGIN >= SMALLEST / 2]
        if not inside:
            return [], []
        views = [Crop.around(each.corners(MARGIN)).cut(pixels, VIEW) * 2 - 1 for each in inside]
        answers = self.aligner(torch.stack(views).to(self._device)).cpu().double()
        answers[:, 0] = answers[:, 0].sigmoid()
        likely = [
            (each.corrected(*moves), score)
            for each, (score, *moves) in zip(inside, answers.tolist(), strict=True)
            if score >= least and max(map(abs, moves)) <= most
        ]
        return [each for each, _ in likely], [score for _, score in likely]

    def _faces(self, squares: list[Square], scores: list[float]) -> tuple[Face, ...]:
        if not squares:
            return ()
        boxes = torch.tensor([each.box for each in squares])
        picks = without_overlaps(boxes, torch.tensor(scores), 0.5, of_smaller=True).tolist()
        picks.sort(key=lambda index: squares[index].x)
        return tuple(
            Face(number, squares[index].box, scores[index], self._points(squares[index]))
            for number, index in enumerate(picks, 1)
        )

    def _points(self, square: Square) -> tuple[Point, ...]:
        corner, below, _, right = square.corners()
        places = np.array(self.frame)
        at = corner + places[:, :1] * (right - corner) + places[:, 1:] * (below - corner) - 0.5
        return tuple((float(x), float(y)) for x, y in at)


def _exact(square: Square, height: int, width: int) -> Square:
    """The whole photo for a square that nearly is it: then the photo is an image of the world."""
    whole = Square(width / 2, height / 2, width)
    apart = np.hypot(*(square.corners() - whole.corners()).T).mean()
    return whole if height == width and apart < _WHOLE * width else square


def load_finder(
    path: StrPath, frame: tuple[Point, ...], *, device: str | torch.device = "cpu"
) -> Finder:
    """The detector of a weights file, of a world with that frame.

    Raises BadFile where the file is none, or is damaged.
    """
    try:
        tensors, _ = read_tensors(read_bytes(path, limit=_MOST_BYTES))
        with unfilled():
            empty = {"scout.": Scout(), "aligner.": Aligner()}
        for prefix, network in empty.items():
            own = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
            fill(network, own, "detector of a world's images")
    except BadFile as error:
        raise BadFile(f"The detector {shown(path)} cannot be used: {error.message}") from error
    scout, aligner = empty["scout."].to(device), empty["aligner."].to(device)
    assert isinstance(scout, Scout)
    assert isinstance(aligner, Aligner)
    return Finder(scout, aligner, frame)


def _sides(height: int, width: int) -> Iterator[float]:
    """Sides that are looked for, so that each square is near to one of them."""
    side = float(SMALLEST)
    while side <= _SCALE_STEP * max(min(height, width), SMALLEST):
        yield side
        side *= _SCALE_STEP
