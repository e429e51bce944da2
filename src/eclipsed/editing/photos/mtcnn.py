"""Faces in photos and their five points: MTCNN (Zhang et al. 2016, arXiv:1604.02878).

Three small networks, one after the other: P-Net proposes boxes at every scale, R-Net thins them
out, O-Net decides and points to eyes, nose and mouth. Names of parameters are those of the public
weights of facenet-pytorch, so they load unchanged; nothing is downloaded here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from eclipsed.checkpoints.reading import read_table
from eclipsed.checkpoints.weights import fill, unfilled
from eclipsed.editing.photos.crop import shrinking, shrunk
from eclipsed.editing.photos.overlaps import without_overlaps
from eclipsed.errors import BadFile
from eclipsed.files import StrPath, shown
from eclipsed.types import Face

# As in the paper's code: how sure each network must be, and the step between two scales.
THRESHOLDS = (0.6, 0.7, 0.7)
STEP = 0.709
SMALLEST = 20  # pixels of the smallest face that is looked for
LONGEST = 2000  # pixels: of larger photos, which are reduced first, the smallest face grows
FILES = ("pnet.pt", "rnet.pt", "onet.pt")
_CELL, _STRIDE = 12, 2  # of P-Net: what one score sees, and how far the next one is
_BATCH = 512


class PNet(nn.Module):
    """Pictures → for every second pixel, whether a face of 12 px is there, and its box."""

    size = _CELL

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 10, 3), nn.PReLU(10)
        self.conv2, self.prelu2 = nn.Conv2d(10, 16, 3), nn.PReLU(16)
        self.conv3, self.prelu3 = nn.Conv2d(16, 32, 3), nn.PReLU(32)
        self.conv4_1, self.conv4_2 = nn.Conv2d(32, 2, 1), nn.Conv2d(32, 4, 1)

    def forward(
        self, x: Float[Tensor, "n 3 h w"]
    ) -> tuple[Float[Tensor, "n i j"], Float[Tensor, "n 4 i j"]]:
        x = F.max_pool2d(self.prelu1(self.conv1(x)), 2, ceil_mode=True)
        x = self.prelu3(self.conv3(self.prelu2(self.conv2(x))))
        return self.conv4_1(x).softmax(1)[:, 1], self.conv4_2(x)


class RNet(nn.Module):
    """Boxes as pictures of 24 px → whether each holds a face, and how its sides should move."""

    size = 24

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 28, 3), nn.PReLU(28)
        self.conv2, self.prelu2 = nn.Conv2d(28, 48, 3), nn.PReLU(48)
        self.conv3, self.prelu3 = nn.Conv2d(48, 64, 2), nn.PReLU(64)
        self.dense4, self.prelu4 = nn.Linear(576, 128), nn.PReLU(128)
        self.dense5_1, self.dense5_2 = nn.Linear(128, 2), nn.Linear(128, 4)

    def forward(
        self, x: Float[Tensor, "n 3 24 24"]
    ) -> tuple[Float[Tensor, " n"], Float[Tensor, "n 4"]]:
        x = F.max_pool2d(self.prelu1(self.conv1(x)), 3, 2, ceil_mode=True)
        x = F.max_pool2d(self.prelu2(self.conv2(x)), 3, 2, ceil_mode=True)
        x = self.prelu4(self.dense4(_flat(self.prelu3(self.conv3(x)))))
        return self.dense5_1(x).softmax(1)[:, 1], self.dense5_2(x)


class ONet(nn.Module):
    """Boxes as pictures of 48 px → what R-Net says, and the five points: first x, then y."""

    size = 48

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 32, 3), nn.PReLU(32)
        self.conv2, self.prelu2 = nn.Conv2d(32, 64, 3), nn.PReLU(64)
        self.conv3, self.prelu3 = nn.Conv2d(64, 64, 3), nn.PReLU(64)
        self.conv4, self.prelu4 = nn.Conv2d(64, 128, 2), nn.PReLU(128)
        self.dense5, self.prelu5 = nn.Linear(1152, 256), nn.PReLU(256)
        self.dense6_1, self.dense6_2 = nn.Linear(256, 2), nn.Linear(256, 4)
        self.dense6_3 = nn.Linear(256, 10)

    def forward(
        self, x: Float[Tensor, "n 3 48 48"]
    ) -> tuple[Float[Tensor, " n"], Float[Tensor, "n 4"], Float[Tensor, "n 10"]]:
        x = F.max_pool2d(self.prelu1(self.conv1(x)), 3, 2, ceil_mode=True)
        x = F.max_pool2d(self.prelu2(self.conv2(x)), 3, 2, ceil_mode=True)
        x = F.max_pool2d(self.prelu3(self.conv3(x)), 2, ceil_mode=True)
        x = self.prelu5(self.dense5(_flat(self.prelu4(self.conv4(x)))))
        return self.dense6_1(x).softmax(1)[:, 1], self.dense6_2(x), self.dense6_3(x)


def _flat(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
    """As the first Caffe weights are arranged: columns before rows before channels."""
    return x.permute(0, 3, 2, 1).flatten(1)


@dataclass(frozen=True, eq=False)
class Mtcnn:
    """The three networks as a detector (eclipsed.types.Detector)."""

    pnet: PNet
    rnet: RNet
    onet: ONet
    name: str = "mtcnn"

    def smallest(self, height: int, width: int) -> float:
        return float(SMALLEST * shrinking(height, width, LONGEST))

    @torch.inference_mode()
    def find(self, pixels: Float[Tensor, "h w 3"]) -> tuple[Face, ...]:
        """The faces of a photo, from the left to the right; pixels in [0, 1]."""
        picture, scale = shrunk(pixels, LONGEST)
        device = next(self.pnet.parameters()).device
        image = picture.permute(2, 0, 1)[None].to(device) * 255
        boxes = _squared(_proposals(self.pnet, image))
        boxes, image_boxes = _visible(boxes, image)
        if not len(boxes):
            return ()
        scores, moves = _batched(self.rnet, image, image_boxes)
        sure = scores > THRESHOLDS[1]
        picks = without_overlaps(boxes[sure], scores[sure], 0.7)
        boxes, image_boxes = _visible(_squared(_moved(boxes[sure], moves[sure])[picks]), image)
        if not len(boxes):
            return ()
        scores, moves, places = _batched(self.onet, image, image_boxes)
        sure = scores > THRESHOLDS[2]
        boxes, scores, places = boxes[sure], scores[sure], places[sure]
        extents = boxes[:, 2:] - boxes[:, :2] + 1
        points = places.unflatten(1, (2, 5)) * extents[..., None] + boxes[:, :2, None] - 1
        boxes = _moved(boxes, moves[sure])
        picks = without_overlaps(boxes, scores, 0.7, of_smaller=True)
        return _faces(boxes[picks], scores[picks], points[picks].mT, scale)


def load_mtcnn(source: StrPath, *, device: str | torch.device = "cpu") -> Mtcnn:
    """The detector of a folder that holds pnet.pt, rnet.pt and onet.pt, or of one of these files.

    Raises BadFile where one of them is missing or is another network.
    """
    folder = Path(source) if Path(source).is_dir() else Path(source).parent
    networks: list[nn.Module] = []
    for name, kind in zip(FILES, (PNet, RNet, ONet), strict=True):
        path = folder / name
        if not path.is_file():
            raise BadFile(
                f"The face detector's file {shown(path)} is missing.",
                f"It needs {', '.join(FILES)}, as facenet-pytorch publishes them.",
            )
        with unfilled():
            empty = kind()
        networks.append(fill(empty, read_table(path), f"face detector ({name})").to(device))
    pnet, rnet, onet = networks
    assert isinstance(pnet, PNet)
    assert isinstance(rnet, RNet)
    assert isinstance(onet, ONet)
    return Mtcnn(pnet, rnet, onet)


# --- the cascade's steps; a box is left, top, right, bottom -------------------------------------


def _scales(height: int, width: int) -> Iterator[float]:
    """From the one at which the smallest face fills a cell, down to the picture in one cell."""
    scale = _CELL / SMALLEST
    shortest = min(height, width) * scale
    while shortest >= _CELL:
        yield scale
        scale, shortest = scale * STEP, shortest * STEP


def _prepared(image: Float[Tensor, "1 3 h w"], height: int, width: int) -> Float[Tensor, "1 3 a b"]:
    resized: Tensor = F.interpolate(image, (height, width), mode="area")
    return (resized - 127.5) / 128


def _proposals(pnet: PNet, image: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "n 4"]:
    """P-Net's boxes of all scales, moved, without those that mean the same."""
    boxes, scores, moves = ([image.new_empty(size)] for size in ((0, 4), 0, (0, 4)))
    height, width = image.shape[2:]
    for scale in _scales(height, width):
        resized = _prepared(image, int(height * scale + 1), int(width * scale + 1))
        score, move = (each[0] for each in pnet(resized))
        rows, columns = torch.nonzero(score >= THRESHOLDS[0], as_tuple=True)
        corner = torch.stack([columns, rows], 1) * _STRIDE
        box = torch.cat([(corner + 1) / scale, (corner + _CELL) / scale], 1).floor()
        picks = without_overlaps(box, score[rows, columns], 0.5)
        boxes.append(box[picks])
        scores.append(score[rows, columns][picks])
        moves.append(move[:, rows, columns].T[picks])
    all_boxes, all_scores, all_moves = (torch.cat(each) for each in (boxes, scores, moves))
    picks = without_overlaps(all_boxes, all_scores, 0.7)
    return _moved(all_boxes[picks], all_moves[picks], inclusive=0)


def _moved(
    boxes: Float[Tensor, "n 4"], moves: Float[Tensor, "n 4"], inclusive: int = 1
) -> Float[Tensor, "n 4"]:
    """Each side moved by a fraction of the box; R-Net and O-Net count the last pixel in."""
    extents = boxes[:, 2:] - boxes[:, :2] + inclusive
    return boxes + moves * extents.repeat(1, 2)


def _squared(boxes: Float[Tensor, "n 4"]) -> Float[Tensor, "n 4"]:
    extents = boxes[:, 2:] - boxes[:, :2]
    side = extents.amax(1, keepdim=True)
    corner = boxes[:, :2] + extents * 0.5 - side * 0.5
    return torch.cat([corner, corner + side], 1)


def _visible(
    boxes: Float[Tensor, "n 4"], image: Float[Tensor, "1 3 h w"]
) -> tuple[Float[Tensor, "m 4"], Int[Tensor, "m 4"]]:
    """The boxes of which something is inside the image, and their pixels there."""
    height, width = image.shape[2:]
    whole = boxes.trunc().long()
    start, end = whole[:, :2].clamp(min=1) - 1, whole[:, 2:]
    end = torch.minimum(end, torch.tensor([width, height], device=end.device))
    some: Bool[Tensor, " n"] = (end > start).all(1)
    return boxes[some], torch.cat([start, end], 1)[some]


def _batched(
    network: RNet | ONet, image: Float[Tensor, "1 3 h w"], boxes: Int[Tensor, "n 4"]
) -> tuple[Tensor, ...]:
    """What the network says of each box's pixels."""
    answers = []
    for some in boxes.split(_BATCH):
        pictures = [
            _prepared(image[:, :, top:bottom, left:right], network.size, network.size)
            for left, top, right, bottom in some.tolist()
        ]
        answers.append(network(torch.cat(pictures)))
    return tuple(torch.cat(each) for each in zip(*answers, strict=True))


def _faces(
    boxes: Float[Tensor, "n 4"],
    scores: Float[Tensor, " n"],
    points: Float[Tensor, "n 5 2"],
    scale: int,
) -> tuple[Face, ...]:
    """In the photo's pixels and from the left to the right."""
    order = (boxes[:, 0] + boxes[:, 2]).argsort(stable=True)
    # O-Net counts from the first pixel's corner, a Face's points from its centre.
    sides, places = (boxes[order] * scale).tolist(), (points[order] * scale - 0.5).tolist()
    return tuple(
        Face(number, tuple(box), score, tuple((x, y) for x, y in five))
        for number, (box, score, five) in enumerate(
            zip(sides, scores[order].tolist(), places, strict=True), 1
        )
    )
