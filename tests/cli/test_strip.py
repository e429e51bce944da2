from __future__ import annotations

import numpy as np
import pytest

from eclipsed.editing.images import load_png
from eclipsed.types import World
from tests.cli.conftest import Run, check_refusal, save_card


@pytest.fixture(autouse=True)
def _cards(world: World) -> None:
    save_card(world, "hair.safetensors", "bright hair")
    save_card(world, "eyes.safetensors", "bright eyes")


def test_strip_has_a_row_for_each_seed_and_a_column_for_each_strength(eclipsed: Run) -> None:
    words = ("strip", "-d", "hair.safetensors", "-d", "eyes.safetensors", "-o", "s.png", "--seeds")
    small = eclipsed(*words, "1", "--strengths", "-1:1:3", "--json").json
    assert small["strengths"] == [-1.0, 0.0, 1.0]
    one = load_png("s.png")[0].size
    large = eclipsed(*words, "1-3", "--json").json
    assert (len(large["strengths"]), large["seeds"]) == (7, [1, 2, 3])
    other = load_png("s.png")[0].size
    assert other[0] > one[0]
    assert other[1] > one[1]


def test_latent_files_stand_in_for_seeds(eclipsed: Run, world: World) -> None:
    latents = world.generator.sample([5, 6], truncation=world.truncation)
    for name, latent in zip(("five.npy", "six.npy"), latents, strict=True):
        np.save(name, latent.numpy())
    files = ("--latent", "five.npy", "--latent", "six.npy")
    ran = eclipsed("strip", "-d", "hair.safetensors", *files, "-o", "s.png", "--json")
    assert [fact["latent"] for fact in ran.json["latents"]] == ["five.npy", "six.npy"]
    told = eclipsed("score", "hair.safetensors", *files, "--json").json
    seeds = eclipsed("score", "hair.safetensors", "--seeds", "5,6", "--json").json
    assert told["locality"] == pytest.approx(seeds["locality"], abs=1e-4)
    words = ("animate", "-d", "hair.safetensors", "--strengths", "0:1:2")
    assert eclipsed(*words, "--latent", "five.npy", "-o", "a.gif").code == 0
    for verb in ("strip", "score"):
        both = (verb, "hair.safetensors") if verb == "score" else (verb, "-d", "hair.safetensors")
        assert eclipsed(*both, "--seeds", "1", *files).code == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["strip", "-d", "hair.safetensors", "-o", "x.png"], 2),
        (["strip", "-d", "hair.safetensors=1", "--seeds", "1", "-o", "x.png"], 2),
        (["strip", "-d", "hair.safetensors", "--seeds", "3-1", "-o", "x.png"], 2),
        (["strip", "-d", "hair.safetensors", "--seeds", "0-999", "-o", "x.png"], 2),
        (["strip", "-d", "hair.safetensors", "--seeds", "1", "--strengths", "x", "-o", "x.png"], 2),
        (["strip", "-d", "hair.safetensors", "--seeds", "1", "-o", "x.jpeg"], 2),
    ],
)
def test_refusals_are_one_sentence_and_leave_nothing_behind(
    eclipsed: Run, words: list[str], code: int
) -> None:
    check_refusal(eclipsed, words, code)
