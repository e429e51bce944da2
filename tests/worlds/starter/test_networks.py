from __future__ import annotations

import pytest
import torch

from eclipsed.worlds.starter.networks import (
    Classifier,
    ImageTower,
    TextImageModel,
    TextTower,
    TowerConfig,
    UNet,
)

SMALL = TowerConfig(widths=(4, 6, 8, 10), head=3, outputs=7)


def images(n: int = 2) -> torch.Tensor:
    return torch.rand(n, 3, 128, 128) * 2 - 1


@pytest.mark.parametrize("residual", [True, False])
def test_towers_read_images(residual: bool) -> None:
    config = TowerConfig(widths=(4, 6, 8, 10), head=3, outputs=7, residual=residual)
    tower = ImageTower(config).eval()
    assert tower(images()).shape == (2, 7)
    assert tower.maps(images()).shape == (2, 10, 8, 8)
    shortcuts = [stage.two is not None for stage in tower.stages]
    assert shortcuts == [residual] * 4


def test_a_tower_knows_where_things_are() -> None:
    tower = ImageTower(SMALL).eval()
    maps = torch.randn(1, 10, 8, 8)
    answers = []
    for seen in (maps, maps.flip(2)):
        tower.maps = lambda images, seen=seen: seen  # type: ignore[method-assign]
        answers.append(tower(images(1)))
    assert (answers[0] - answers[1]).abs().max().item() > 0.01


@pytest.mark.parametrize(
    "wrong", [{"widths": (4, 4, 4)}, {"widths": (4, 4, 4, 0)}, {"head": 0}, {"outputs": 0}]
)
def test_senseless_towers_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(Exception, match=r"not an image tower|widths"):
        TowerConfig(**({"widths": (4, 4, 4, 4), "head": 2, "outputs": 3} | wrong))  # type: ignore[arg-type]


def test_text_tower() -> None:
    tower = TextTower(5, hidden=8)
    sentences = torch.randn(4, 384)
    assert tower.eval()(sentences).shape == (4, 5)
    torch.manual_seed(0)
    noisy = tower.train()(sentences)
    assert not torch.equal(noisy, tower(sentences))  # dropout


def test_logits_are_scaled_cosines() -> None:
    model = TextImageModel(SMALL, hidden=8)
    image, text = torch.randn(3, 7), torch.randn(4, 7)
    logits = model.logits(image, text)
    assert logits.shape == (3, 4)
    torch.testing.assert_close(model.logits(5 * image, 0.1 * text), logits)
    same = model.logits(image, image).diagonal()
    torch.testing.assert_close(same, (model.scale.exp() + model.offset).expand(3))


def test_unet_labels_every_pixel() -> None:
    network = UNet((4, 6, 8), 10).eval()
    logits = network(images())
    assert logits.shape == (2, 10, 128, 128)
    torch.testing.assert_close(
        network(images(1)[:, :, :64, :64]).shape, torch.Size([1, 10, 64, 64])
    )


def test_a_pixel_of_the_unet_answers_to_its_surroundings() -> None:
    network = UNet((4, 6, 8), 3).eval()
    image = images(1).requires_grad_()
    network(image)[0, :, 64, 64].sum().backward()
    assert image.grad is not None
    reach = (image.grad.abs().sum(dim=(0, 1)) > 0).nonzero()
    height = int(reach[:, 0].max() - reach[:, 0].min())
    assert height > 20


def test_classifier_answers_by_group() -> None:
    groups = {"a": 3, "b": 4}
    logits = Classifier(SMALL, groups).eval()(images())
    assert {name: tuple(value.shape) for name, value in logits.items()} == {
        "a": (2, 3),
        "b": (2, 4),
    }
    with pytest.raises(ValueError, match="side by side"):
        Classifier(SMALL, {"a": 3})
