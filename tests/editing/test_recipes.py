from __future__ import annotations

from typing import Any

import pytest
import torch

from eclipsed.editing.masks import Mask
from eclipsed.editing.recipes import edit_facts, latent_facts, read_recipe, recipe_head
from eclipsed.editing.stack import Edit
from eclipsed.editing.starts import MOST_BYTES, Start
from eclipsed.errors import BadFile
from eclipsed.testing import fake_world
from tests.editing.test_stack import HAIR

WORLD = fake_world()
MASK = torch.eye(32)
START = Start.of("w.npy", "w+", WORLD.generator.sample([5]))


def recipe(**changes: Any) -> dict[str, Any]:
    edit = edit_facts("hair.safetensors", Edit(HAIR, hard=True, mask=MASK))
    return recipe_head("edit", WORLD) | {"seeds": [5], "truncation": 0.7, "edits": [edit]} | changes


def from_latent(**changes: Any) -> dict[str, Any]:
    return recipe_head("edit", WORLD) | latent_facts(START) | {"edits": []} | changes


def test_a_drawn_mask_is_part_of_a_recipe() -> None:
    (facts,) = read_recipe(recipe()).edits
    assert facts.mask == Mask.of(MASK)
    assert facts.hard
    assert len(recipe()["edits"][0]["mask"]) < 1_000
    assert "mask" not in edit_facts("x", Edit(HAIR, hard=True))


def test_a_latent_is_part_of_a_recipe_if_it_is_small() -> None:
    assert read_recipe(recipe()).start == (5, 0.7)
    assert read_recipe(from_latent()).start == START
    large = Start.of("s.npy", "s", torch.zeros(1, MOST_BYTES // 4 + 1))
    assert "numbers" not in latent_facts(large)
    with pytest.raises(BadFile, match="is not part of it"):
        read_recipe(recipe_head("edit", WORLD) | latent_facts(large) | {"edits": []})


@pytest.mark.parametrize("mask", [None, 7, "", "?", "AAAA", "A" * 1_000_000])
def test_a_mask_that_is_none_is_refused(mask: Any) -> None:
    edit = recipe()["edits"][0] | {"mask": mask}
    with pytest.raises(BadFile, match="makes no sense"):
        read_recipe(recipe(edits=[edit]))


@pytest.mark.parametrize(
    "changes",
    [
        {"numbers": ""},
        {"numbers": 7},
        {"numbers": "A" * 1_000_000},
        {"space": "y"},
        {"space": None},
        {"latent": ["w.npy"]},
        {"verb": "strip"},
    ],
)
def test_a_latent_that_is_none_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadFile):
        read_recipe(from_latent(**changes))
