from __future__ import annotations

import pytest
import torch

from kits.losses import local_contrast, order_loss, pair_loss, reconstruction_loss, texture_loss


def test_reconstruction_loss_counts_pixels_and_edges() -> None:
    image = torch.zeros(1, 3, 4, 4)
    one = torch.ones(1, 1, 4, 4)
    assert float(reconstruction_loss(image, image, one)) == 0
    # A flat error has no edges; a checkered one of the same size has.
    flat = float(reconstruction_loss(image + 0.5, image, one))
    checkered = (torch.arange(16).view(1, 1, 4, 4) + torch.arange(4).view(1, 1, 4, 1)) % 2 - 0.5
    assert flat == pytest.approx(0.5)
    assert float(reconstruction_loss(image + checkered, image, one)) == pytest.approx(2.5)
    assert float(reconstruction_loss(image + 0.5, image, 3 * one)) == pytest.approx(3 * flat)


def test_the_colour_loss_sees_what_is_off_on_the_whole_alone() -> None:
    image = torch.zeros(1, 3, 16, 16)
    one = torch.ones(1, 1, 16, 16)
    noise = ((torch.arange(16).view(1, -1) + torch.arange(16).view(-1, 1)) % 2 - 0.5).expand(
        1, 3, -1, -1
    )
    for error, more in ((image + 0.5, 1.0), (image + noise, 0.0)):
        plain = float(reconstruction_loss(error, image, one))
        assert float(reconstruction_loss(error, image, one, 2.0)) == pytest.approx(plain + more)


def test_pair_loss_balances_answers_and_skips_the_unknown() -> None:
    true = torch.tensor([[True], [False], [False], [False]])
    known = torch.ones(4, 1, dtype=torch.bool)
    logits = torch.tensor([[2.0], [-1.0], [-1.0], [-1.0]])
    expected = torch.nn.functional.softplus(torch.tensor([-2.0, -1.0])).sum()
    torch.testing.assert_close(pair_loss(logits, true, known), expected)
    known[3] = False
    logits[3] = 100.0
    torch.testing.assert_close(pair_loss(logits, true, known), expected)


def test_contrast_is_where_a_line_is() -> None:
    flat = torch.full((1, 3, 8, 8), 0.4)
    assert float(local_contrast(flat).abs().max()) < 1e-6
    line = flat.clone()
    line[..., 4] = -0.6
    contrast = local_contrast(line)[0, 0]
    assert float(contrast[:, 4].min()) > 3 * float(contrast[:, 3].max())


def test_order_loss_rewards_the_right_order_only() -> None:
    height = torch.tensor([[0.0], [0.5], [1.0]])
    every = torch.ones(3, 1, dtype=torch.bool)
    right = float(order_loss(10 * height, height, every))
    assert right < 0.01
    assert float(order_loss(-10 * height, height, every)) > 5
    assert float(order_loss(0 * height, height, every)) == pytest.approx(0.6931, abs=1e-3)


def test_order_loss_leaves_out_what_takes_no_part_and_what_is_alike() -> None:
    height = torch.tensor([[0.0], [0.05], [1.0]])
    logits = torch.tensor([[5.0], [0.0], [9.0]])  # wrong for the first two, which are alike
    every = torch.ones(3, 1, dtype=torch.bool)
    assert float(order_loss(logits, height, every)) < 0.02
    two = torch.tensor([[True], [True], [False]])
    assert float(order_loss(logits, height, two)) == 0
    # A text without any pair does not dilute the others.
    both = torch.cat([height, 0 * height], dim=1)
    twice = torch.cat([0 * logits, logits], dim=1)
    assert float(order_loss(twice, both, every.expand(3, 2))) == pytest.approx(0.6931, abs=1e-3)


def test_texture_is_the_same_wherever_its_strands_lie() -> None:
    x = torch.arange(64) * 2 * torch.pi / 3
    strands = 0.3 * torch.sin(x).expand(1, 3, 64, 64)
    moved = 0.3 * torch.sin(x + 2).expand(1, 3, 64, 64)
    ones = torch.ones(1, 1, 64, 64)
    blurred, steep = torch.zeros_like(strands), strands.transpose(2, 3)
    assert texture_loss(strands, strands, ones) == 0
    near = texture_loss(moved, strands, ones)
    assert near < 0.2 * texture_loss(blurred, strands, ones)
    assert near < 0.1 * texture_loss(steep, strands, ones)
    assert reconstruction_loss(moved, strands, ones) > reconstruction_loss(blurred, strands, ones)
    assert texture_loss(blurred, strands, 0 * ones) == 0
