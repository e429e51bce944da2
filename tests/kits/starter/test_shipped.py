"""What the starter world brings along fits its weights and is what a first training asks for.

`python -m kits.starter.shipped` makes it anew.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from eclipsed.cache import asked_for, key_of
from eclipsed.directions import Direction
from eclipsed.files import read_bytes, read_tensors
from eclipsed.generators.spaces import best_space
from eclipsed.prompts.goals import goal_from_prompt
from eclipsed.search.pool import SEEDS, build_pool, picture, sample_mixed, shrink, view_of
from eclipsed.types import World
from eclipsed.worlds.starter.world import WEIGHTS, load_starter
from kits.starter import shipped
from kits.starter.shipped import CARDS, PROMPTS, RESULTS, card_path, leave_only, look_around, ship


@pytest.fixture(scope="module")
def world() -> World:
    return load_starter(WEIGHTS)


def test_the_cards_are_those_of_the_list() -> None:
    assert set(CARDS.iterdir()) == {card_path(prompt) for prompt in PROMPTS}


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_card_is_of_the_shipped_generator(world: World, prompt: str) -> None:
    card = Direction.load(card_path(prompt))  # which compares the vector's hash
    card.check(world.generator)
    assert card.name == card.prompt == prompt
    assert card.regions == goal_from_prompt(prompt, world).regions
    assert card.verdict["kind"] == "works"
    assert card.range[1] >= 1.0


def test_a_first_training_finds_what_it_looks_at(
    world: World, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eclipsed.search.pool.fast_bfloat16", lambda _: False)
    with asked_for() as keys:
        look_around(world)
    assert [key for key in keys if key.shipped is None or not key.shipped.is_file()] == []
    assert not list(cache.rglob("*.safetensors"))


def test_the_shipped_look_is_that_of_the_weights(world: World) -> None:
    view = view_of(world, best_space(world.generator))
    pool = build_pool(view, SEEDS, mixed=True)
    some = SEEDS[::200]
    synthesis, embeddings = picture(view, sample_mixed(view, some))
    # The rounding of another machine and of 8 bits, no more.
    torch.testing.assert_close(pool.embeddings[::200], embeddings, rtol=0.0, atol=1e-4)
    thumbnails = shrink(synthesis.image.clamp(-1.0, 1.0))
    torch.testing.assert_close(pool.thumbnails[::200], thumbnails, rtol=0.0, atol=0.6 / 127.5)


def test_cards_are_not_made_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> Direction:
        raise AssertionError("trained again")

    monkeypatch.setattr(shipped, "train_direction", refuse)
    prompt = PROMPTS[0]
    path = card_path(prompt)
    before = path.read_bytes()
    assert shipped.card_of(world, prompt).prompt == prompt
    assert path.read_bytes() == before


def test_results_are_shipped_and_what_is_left_over_goes(tmp_path: Path) -> None:
    world = replace(load_starter(WEIGHTS), shipped=tmp_path)
    key = key_of(world, "test", 1, ("encoder",), 0.7, half=False, facts=["a"])
    key.path.parent.mkdir(parents=True)
    key.path.write_bytes(b"a result")
    ship([key])
    assert key.shipped is not None
    assert key.shipped.read_bytes() == b"a result"
    old = key.shipped.with_name("old.safetensors")
    old.write_bytes(b"")
    leave_only(tmp_path, [key.shipped])
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [key.shipped]


def test_results_are_small_and_whole() -> None:
    paths = [path for path in RESULTS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in paths) < 8e6
    for path in paths:
        assert read_tensors(read_bytes(path, limit=2**24))[0]
