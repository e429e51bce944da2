"""What the four kinds of network are trained on, and that their training moves the right way."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from eclipsed.generators.stylegan2 import SynthesisNetwork
from eclipsed.worlds.starter.attributes import JUDGED, REGIONS
from kits.fitting import Job
from kits.losses import local_contrast, reconstruction_loss
from kits.starter import fit_generator as pictures
from kits.starter.fit_generator import CONFIG, Stage
from kits.starter.fit_oracle import answers
from kits.starter.fit_segmenter import fit_segmenter
from kits.starter.renderer import Renderer
from tests.kits.starter.conftest import people

# --- generator ----------------------------------------------------------------------------------


def test_details_weigh_more_where_a_stage_asks_for_it(renderer: Renderer) -> None:
    plain, fine = (
        pictures.batch_at(renderer, Stage(128, 4, 0.1, batch=2, detail=detail), 1, 1)
        for detail in (0.0, 5.0)
    )
    torch.testing.assert_close(fine[2], plain[2] * (1 + 5.0 * local_contrast(plain[1])))


@pytest.mark.parametrize("resolution", [32, 128])
def test_batches_of_the_generator(resolution: int, renderer: Renderer) -> None:
    stage = Stage(resolution, 8, 0.1, batch=4)
    rows, target, weight = pictures.batch_at(renderer, stage, 1, 2)
    assert rows.shape == (4, CONFIG.num_ws, CONFIG.w_dim)
    assert target.shape == (4, 3, resolution, resolution)
    assert weight.shape == (4, 1, resolution, resolution)
    assert float(target.abs().max()) <= 1
    again = pictures.batch_at(renderer, stage, 1, 2)
    assert all(torch.equal(a, b) for a, b in zip((rows, target, weight), again, strict=True))
    assert not torch.equal(pictures.batch_at(renderer, stage, 1, 3)[0], rows)


def test_small_parts_and_the_border_weigh_more(renderer: Renderer) -> None:
    weights = pictures.pixel_weights()
    assert len(weights) == len(REGIONS)
    assert weights[REGIONS.index("eyes")] > weights[REGIONS.index("skin")]
    _, _, weight = pictures.batch_at(renderer, Stage(128, 4, 0.1, batch=2), 1, 1)
    corner, inside = weight[0, 0, 0, 0], weight[0, 0, 3, 3]
    assert float(corner - inside) == pytest.approx(pictures.BORDER_WEIGHT - 1)


@pytest.mark.parametrize("wrong", [(48, 100), (256, 100), (32, 8)])
def test_senseless_stages_are_refused(wrong: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="not a stage"):
        Stage(*wrong, 0.1)


@pytest.mark.parametrize("wrong", [{"detail": -1.0}, {"colour": -1.0}, {"pushed": -0.1}])
def test_a_stage_has_no_negative_weights(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="negative"):
        Stage(32, 8, 0.1, batch=4, **wrong)  # type: ignore[arg-type]


def test_the_generator_learns_and_leaves_noise_alone(tmp_path: Path, renderer: Renderer) -> None:
    stage = Stage(16, 160, 0.05, batch=4)
    network = pictures.fit_generator(tmp_path, stages=[stage], compiled=False)
    assert network.resolutions == (4, 8, 16)
    strengths = [v for key, v in network.state_dict().items() if key.endswith("noise_strength")]
    assert len(strengths) == CONFIG.num_ws - 1
    assert not any(strength.item() for strength in strengths)

    torch.manual_seed(1)
    untrained = SynthesisNetwork(CONFIG)
    untrained.resolutions = network.resolutions
    rows, target, weight = pictures.batch_at(renderer, stage, 77, 0)
    losses = []
    for each in (untrained, network):
        with torch.no_grad():
            image, _ = each(each.styles(rows), noise="none")
        losses.append(reconstruction_loss(image, target, weight).item())
    assert losses[1] < 0.7 * losses[0]


# --- segmenter ----------------------------------------------------------------------------------


def test_the_segmenter_resumes(tmp_path: Path) -> None:
    widths = (4, 4, 4)
    short = Job(images=8, rate=2e-3, seed=1, batch=4)
    one = fit_segmenter(tmp_path, short, widths, compiled=False)
    again = fit_segmenter(tmp_path, short, widths, compiled=False)
    for a, b in zip(one.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(a, b)


# --- oracle -------------------------------------------------------------------------------------


def test_the_oracle_is_asked_only_what_can_be_told(renderer: Renderer) -> None:
    avatars = people(
        {"glasses": "sunglasses", "eyes": "wink"},
        {"top": ("afro", "bun", 0.4), "eyes": "wink"},
        {"top": ("afro", "bun", 0.1), "mouth": "sad"},
    )
    classes, known = answers(avatars, renderer.render(avatars))
    column = {name: i for i, name in enumerate(JUDGED)}
    assert classes.shape == known.shape == (3, len(JUDGED))
    assert classes[:, column["eyes"]].tolist() == [4, 4, 0]
    assert known[:, column["eyes"]].tolist() == [0, 1, 1]
    assert known[:, column["top"]].tolist() == [1, 0, 1]
    assert classes[2, column["mouth"]] == 4
    assert bool((known[:, column["skin"]] == 1).all())
