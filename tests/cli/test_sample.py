from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from eclipsed import worlds
from eclipsed.checkpoints.checkpoint import Checkpoint
from eclipsed.checkpoints.writing import write_checkpoint
from eclipsed.editing.images import load_png, to_pil
from eclipsed.generators.loading import load_generator
from eclipsed.types import World
from tests.cli.conftest import Run, check_refusal, save_card
from tests.generators.test_stylegan2 import tiny_generator


@pytest.fixture(autouse=True)
def _cards(world: World) -> None:
    save_card(world, "hair.safetensors", "bright hair")


def test_sample_draws_a_grid_or_single_pictures(eclipsed: Run, world: World) -> None:
    assert eclipsed("sample", "--seeds", "0-4", "-o", "grid.png").code == 0
    assert load_png("grid.png")[1] is not None
    result = eclipsed(
        "sample", "--seeds", "0,2", "-o", "all/deep", "--json", "--truncation", "1"
    ).json
    assert result["files"] == ["all/deep/seed-0.png", "all/deep/seed-2.png"]
    picture, recipe = load_png("all/deep/seed-2.png")
    assert recipe is not None
    assert (recipe["seeds"], recipe["truncation"]) == ([2], 1.0)
    latents = world.generator.sample([2], truncation=1.0)
    assert picture.tobytes() == to_pil(world.generator.synthesize(latents).image[0]).tobytes()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["sample", "--seeds", "0", "--truncation", "9", "-o", "x.png"], 2),
        (["sample", "--seeds", "0", "--truncation", "nan", "-o", "x.png"], 2),
        (["sample", "--seeds", "0", "-o", "hair.safetensors/x"], 1),
        (["sample", "--seeds", "0-2000", "-o", "x.png"], 2),
        (["sample", "--seeds", "0", "-o", "x.jpg"], 2),
    ],
)
def test_refusals_are_one_sentence_and_leave_nothing_behind(
    eclipsed: Run, words: list[str], code: int
) -> None:
    check_refusal(eclipsed, words, code)


def save_generator(path: str, **changes: int) -> None:
    tensors = dict(tiny_generator(**changes).state_dict())
    write_checkpoint(Checkpoint("own", "stylegan2", {}, tensors), path)


def test_a_generators_file_can_be_looked_at_without_a_world(eclipsed: Run) -> None:
    save_generator("net.safetensors")
    ran = eclipsed("sample", "--generator", "net.safetensors", "--seeds", "0-3", "-o", "x.png")
    assert (ran.code, ran.err) == (0, "")
    _, recipe = load_png("x.png")
    assert recipe is not None
    assert (recipe["generator"]["name"], recipe["truncation"]) == ("net", 0.7)
    assert "class" not in recipe["generator"]
    generator = load_generator("net.safetensors")
    eclipsed("sample", "--generator", "net.safetensors", "--seeds", "2", "-o", "all")
    image = generator.synthesize(generator.sample([2], truncation=0.7)).image[0]
    assert load_png("all/seed-2.png")[0].tobytes() == to_pil(image).tobytes()
    both = eclipsed(
        "sample", "-w", "x", "--generator", "net.safetensors", "--seeds", "2", "-o", "y"
    )
    assert both.code == 2


def test_a_class_is_drawn_noted_and_in_the_recipe(eclipsed: Run) -> None:
    save_generator("net.safetensors", c_dim=3)
    words = ("sample", "--generator", "net.safetensors", "--seeds", "2", "-o")
    pictures = {}
    for which in (0, 1, 2):
        ran = eclipsed(*words, "all", "--class", str(which))
        assert (ran.code, ran.err) == (0, "")
        pictures[which], recipe = load_png("all/seed-2.png")
        assert recipe is not None
        assert recipe["generator"]["class"] == which
    assert len({picture.tobytes() for picture in pictures.values()}) == 3
    ran = eclipsed(*words, "all")
    assert "'net' has 3 classes, and this is class 0: choose with --class" in ran.err
    assert load_png("all/seed-2.png")[0].tobytes() == pictures[0].tobytes()
    ran = eclipsed(*words, "all", "--class", "3")
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "no class 3. Its classes are 0 to 2." in ran.err
    assert eclipsed(*words, "all", "--class", "-1").code == 2
    assert eclipsed("sample", "--seeds", "2", "--class", "0", "-o", "all").code == 1


@pytest.mark.parametrize(
    "words", [["sample", "--seeds", "1"], ["edit", "--seed", "1"], ["strip", "--seeds", "1"]]
)
def test_every_verb_that_draws_takes_a_class(
    eclipsed: Run, world: World, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    generator = tiny_generator(c_dim=3)
    monkeypatch.setattr(worlds, "load_world", lambda *_: replace(world, generator=generator))
    layers = generator.layers("w")
    save_card(
        replace(world, generator=generator),
        "c.safetensors",
        vector=torch.ones(sum(layer.width for layer in layers)),
        space="w",
        layers=layers,
    )
    card = [] if words[0] == "sample" else ["-d", "c.safetensors"]
    chosen = eclipsed(*words, *card, "--class", "2", "-o", "x.png")
    assert (chosen.code, "has 3 classes" in chosen.err) == (0, False), chosen.err
    _, recipe = load_png("x.png")
    assert recipe is not None
    assert recipe["generator"]["class"] == 2
    assert "'tiny' has 3 classes" in eclipsed(*words, *card, "-o", "x.png").err
