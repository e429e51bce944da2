from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
import torch

from eclipsed.editing.latents import read_latent
from eclipsed.editing.starts import MOST_BYTES, Start
from eclipsed.errors import BadFile, BadSetting
from eclipsed.testing import FakeGenerator

GENERATOR = FakeGenerator()


def test_a_latent_comes_back_bit_for_bit(tmp_path: Path) -> None:
    latent = GENERATOR.sample([5])
    start = Start.of("w.npy", "w+", latent)
    again = Start.from_text("w.npy", "w+", start.text())
    assert again == start
    assert torch.equal(again.latent(GENERATOR), latent)
    (tmp_path / "w.npy").write_bytes(start.npy())
    space, read = read_latent(tmp_path / "w.npy", GENERATOR)
    assert space == "w+"
    assert torch.equal(read, latent)


def test_a_digest_tells_latents_apart_but_not_names() -> None:
    latent = GENERATOR.sample([5], space="z")
    one = Start.of("one.npy", "z", latent)
    assert one.digest == Start.of("two.npy", "z", latent).digest
    assert one.digest != Start.of("one.npy", "w", latent).digest
    assert one.digest != Start.of("one.npy", "z", latent + 1.0).digest


def test_a_latent_of_another_size_is_refused() -> None:
    with pytest.raises(BadFile, match="no latent of 3 numbers in w"):
        Start.of("x", "w", torch.zeros(1, 3)).latent(GENERATOR)


def test_a_latent_that_is_too_large_for_a_recipe_is_refused() -> None:
    assert Start.of("x", "s", torch.zeros(1, MOST_BYTES // 4)).text()
    with pytest.raises(BadSetting, match="keeps at most 64 kB"):
        Start.of("x", "s", torch.zeros(1, MOST_BYTES // 4 + 1)).text()


NOT_FINITE = base64.b64encode(np.array([np.nan], "<f4").tobytes()).decode()


@pytest.mark.parametrize(
    ("space", "text"),
    [("w+", ""), ("w+", "?"), ("w+", "AAA="), ("p", "AAAAAA=="), ("w", NOT_FINITE)],
)
def test_text_that_is_no_latent_is_refused(space: str, text: str) -> None:
    with pytest.raises(BadFile):
        Start.from_text("x", space, text)
    with pytest.raises(BadFile):
        Start.from_text("x", "w", "A" * (2 * MOST_BYTES + 4))
