from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from eclipsed.editing.photos.mtcnn import (
    FILES,
    SMALLEST,
    Mtcnn,
    ONet,
    PNet,
    RNet,
    load_mtcnn,
)
from eclipsed.editing.photos.overlaps import without_overlaps
from eclipsed.errors import BadFile
from eclipsed.types import Detector
from tests.filling import KINDS, noise

EXPECTED = Path(__file__).with_name("mtcnn.npz")
NETWORKS: dict[str, tuple[type[nn.Module], tuple[int, ...]]] = {
    "pnet": (PNet, (2, 3, 31, 26)),
    "rnet": (RNet, (2, 3, 24, 24)),
    "onet": (ONet, (2, 3, 48, 48)),
}


def filled_tensors(name: str) -> dict[str, Tensor]:
    def kind(key: str) -> str:
        return "slope" if "prelu" in key else "bias" if key.endswith("bias") else "conv"

    state = NETWORKS[name][0]().state_dict()
    return {key: KINDS[kind(key)](noise(f"{name}.{key}", v.shape)) for key, v in state.items()}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_networks_compute_what_facenet_pytorchs_do(name: str) -> None:
    """`mtcnn.npz` holds the outputs of facenet-pytorch 2.6.0 on the same weights and pictures."""
    network, shape = NETWORKS[name][0](), NETWORKS[name][1]
    network.load_state_dict(filled_tensors(name))
    outputs = network.eval()(noise(f"{name}.input", shape) * 0.1)
    with np.load(EXPECTED) as arrays:
        for output, what in zip(outputs, ("score", "move", "places"), strict=False):
            expected = torch.from_numpy(arrays[f"{name}.{what}"])
            torch.testing.assert_close(output.detach(), expected, rtol=1e-4, atol=1e-5)


def test_public_files_are_read_and_others_are_refused(tmp_path: Path) -> None:
    for name, file in zip(NETWORKS, FILES, strict=True):
        torch.save(filled_tensors(name), tmp_path / file)
    for source in (tmp_path, tmp_path / "pnet.pt"):
        detector = load_mtcnn(source)
        assert isinstance(detector, Detector)
        assert torch.equal(detector.onet.dense6_3.bias, filled_tensors("onet")["dense6_3.bias"])
    torch.save(filled_tensors("pnet"), tmp_path / "rnet.pt")
    with pytest.raises(BadFile, match=r"rnet\.pt"):
        load_mtcnn(tmp_path)
    (tmp_path / "rnet.pt").unlink()
    with pytest.raises(BadFile, match=r"rnet\.pt' is missing"):
        load_mtcnn(tmp_path)
    save_file(filled_tensors("rnet"), tmp_path / "rnet.pt")
    assert load_mtcnn(tmp_path).name == "mtcnn"


# --- the cascade, on networks that take light squares for faces ---------------------------------


class LightProposals(PNet):
    """Sure of a cell as far as it is light in the middle and dark around."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        cells = nn.functional.unfold(x.mean(1, keepdim=True), 12, stride=2)
        rows, columns = ((side - 12) // 2 + 1 for side in x.shape[2:])
        inner = torch.zeros(12, 12, dtype=torch.bool)
        inner[3:9, 3:9] = True
        light = cells[:, inner.flatten()].mean(1) - cells[:, ~inner.flatten()].mean(1)
        score = (light / 2).unflatten(1, (rows, columns))
        return score, torch.zeros(len(x), 4, rows, columns)


class LightRefinement(RNet):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        inner = x[:, :, 6:18, 6:18].mean((1, 2, 3))
        return (inner + 1) / 2, torch.zeros(len(x), 4)


class LightOutput(ONet):
    """Five points around the middle of what is light in a box."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        light = (x.mean(1) + 1) / 2
        at = (torch.arange(48) + 0.5) / 48
        total = light.sum((1, 2)).clamp(min=1e-6)
        middle_x = (light.sum(1) * at).sum(1) / total
        middle_y = (light.sum(2) * at).sum(1) / total
        offsets = torch.tensor([-0.1, 0.1, 0.0, -0.1, 0.1]), torch.tensor([-0.1, -0.1, 0, 0.1, 0.1])
        places = torch.cat([middle_x[:, None] + offsets[0], middle_y[:, None] + offsets[1]], 1)
        return (x[:, :, 12:36, 12:36].mean((1, 2, 3)) + 1) / 2, torch.zeros(len(x), 4), places


LIGHT = Mtcnn(LightProposals().eval(), LightRefinement().eval(), LightOutput().eval())


def photo_of(height: int, width: int, *squares: tuple[int, int, int]) -> Tensor:
    """A dark photo with light squares: left, top, side."""
    photo = torch.zeros(height, width, 3)
    for left, top, side in squares:
        photo[top : top + side, left : left + side] = 1
    return photo


def test_faces_are_numbered_from_the_left_to_the_right() -> None:
    faces = LIGHT.find(photo_of(200, 400, (300, 40, 24), (60, 90, 24), (180, 120, 30)))
    assert [face.number for face in faces] == [1, 2, 3]
    for face, (left, top, side) in zip(
        faces, [(60, 90, 24), (180, 120, 30), (300, 40, 24)], strict=True
    ):
        x, y = face.points[2]
        assert x == pytest.approx(left + side / 2 - 0.5, abs=1.5)
        assert y == pytest.approx(top + side / 2 - 0.5, abs=1.5)
        assert face.box[0] < left + side / 4 < left + side * 3 / 4 < face.box[2]
        assert 0.7 < face.score <= 1


def test_a_large_photo_is_reduced_and_its_faces_stay_in_place() -> None:
    small = LIGHT.find(photo_of(300, 900, (400, 130, 30)))
    large = LIGHT.find(photo_of(300 * 3, 900 * 3, (400 * 3, 130 * 3, 30 * 3)))
    (before,), (after,) = small, large
    assert before.points[2] == pytest.approx((414.5, 144.5), abs=1)
    assert after.points[2] == pytest.approx((1244.5, 434.5), abs=3)
    assert LIGHT.smallest(900, 2700) == 2 * SMALLEST
    assert LIGHT.smallest(300, 900) == SMALLEST


@pytest.mark.parametrize("size", [(1, 1), (12, 400), (19, 19), (200, 200)])
def test_where_there_is_nothing_nothing_is_found(size: tuple[int, int]) -> None:
    assert LIGHT.find(torch.zeros(*size, 3)) == ()


def test_of_overlapping_boxes_the_surest_stays() -> None:
    boxes = torch.tensor([[0, 0, 10, 10], [1, 1, 11, 11], [0, 0, 4, 4], [40, 40, 50, 50.0]])
    scores = torch.tensor([0.7, 0.9, 0.8, 0.6])
    assert without_overlaps(boxes, scores, 0.5).tolist() == [1, 2, 3]
    assert without_overlaps(boxes, scores, 0.5, of_smaller=True).tolist() == [1, 3]
    assert without_overlaps(boxes[:0], scores[:0], 0.5).tolist() == []
