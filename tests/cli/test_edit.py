from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from eclipsed.editing.images import load_png, to_pil
from eclipsed.editing.masks import Mask
from eclipsed.editing.recipes import read_recipe
from eclipsed.editing.stack import BATCH
from eclipsed.editing.starts import Start
from eclipsed.testing import FakeGenerator
from eclipsed.types import Synthesis, World
from tests.cli.conftest import Run, check_refusal, save_card


@pytest.fixture(autouse=True)
def _cards(world: World) -> None:
    save_card(world, "hair.safetensors", "bright hair")
    save_card(world, "eyes.safetensors", "bright eyes")


def brightness(path: str, world: World, patch: str) -> float:
    from eclipsed.testing import PATCHES

    rows, columns = PATCHES[patch]
    picture, _ = load_png(path)
    return float(np.asarray(picture, dtype=float)[rows, columns].mean())


def test_edit_applies_every_direction_at_its_strength(eclipsed: Run, world: World) -> None:
    base = ("edit", "--seed", "5", "-o")
    assert eclipsed(*base, "zero.png", "-d", "hair.safetensors=0").code == 0
    words = ("-d", "hair.safetensors", "-d", "eyes.safetensors=-0.5")
    ran = eclipsed(*base, "both.png", *words)
    assert ran.code == 0, ran.err
    assert ran.out == "wrote both.png\n"
    hair, eyes = (brightness("both.png", world, patch) for patch in ("hair", "eyes"))
    assert hair > brightness("zero.png", world, "hair") + 50
    assert eyes < brightness("zero.png", world, "eyes") - 25
    assert brightness("both.png", world, "mouth") == brightness("zero.png", world, "mouth")


def test_edit_without_strength_zero_is_the_sampled_image(eclipsed: Run, world: World) -> None:
    eclipsed("edit", "--seed", "5", "-o", "zero.png", "-d", "hair.safetensors=0")
    latents = world.generator.sample([5], truncation=world.truncation)
    expected = to_pil(world.generator.synthesize(latents).image[0])
    assert load_png("zero.png")[0].tobytes() == expected.tobytes()


def test_layers_limit_an_edit(eclipsed: Run, world: World) -> None:
    words = ("edit", "--seed", "5", "-d", "hair.safetensors")
    eclipsed(*words, "-o", "row0.png", "--layers", "0")
    eclipsed(*words, "-o", "row1.png", "--layers", "1-3")
    assert brightness("row0.png", world, "hair") > brightness("row1.png", world, "hair") + 50


def test_a_strength_beyond_the_range_is_warned_of(eclipsed: Run, world: World) -> None:
    save_card(world, "hair.safetensors", range=(-1.5, 3.0))
    fine = eclipsed("edit", "--seed", "3", "-d", "hair.safetensors=-1.5", "-o", "a.png")
    beyond = eclipsed("edit", "--seed", "3", "-d", "hair.safetensors=-2", "-o", "b.png")
    assert fine.code == beyond.code == 0
    assert "good from" not in fine.err
    assert "'bright hair' is good from -1.5 to 3.0: at -2 the image" in beyond.err


def test_the_recipe_says_how_it_was_made(eclipsed: Run) -> None:
    words = ("edit", "--seed", "5", "-d", "hair.safetensors=1.5", "--layers", "0", "-o", "x.png")
    result = eclipsed(*words, "--json").json
    _, recipe = load_png("x.png")
    assert recipe is not None
    assert recipe.items() <= result.items()
    assert recipe["seeds"] == [5]
    assert recipe["truncation"] == 0.7
    (edit,) = recipe["edits"]
    assert (edit["card"], edit["strength"], edit["layers"]) == ("hair.safetensors", 1.5, [0])
    assert len(edit["sha256"]) == 64


@pytest.mark.parametrize("ending", [".npy", ".safetensors"])
def test_a_latent_file_is_edited(eclipsed: Run, world: World, ending: str) -> None:
    latents = world.generator.sample([5], truncation=world.truncation)
    if ending == ".npy":
        np.save("l.npy", latents.view(4, 8).numpy())
    else:
        save_file({"latent": latents}, "l.safetensors")
    ran = eclipsed("edit", "--latent", f"l{ending}", "-d", "hair.safetensors=0", "-o", "a.png")
    assert ran.code == 0, ran.err
    eclipsed("edit", "--seed", "5", "-d", "hair.safetensors=0", "-o", "b.png")
    assert load_png("a.png")[0].tobytes() == load_png("b.png")[0].tobytes()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["edit", "-d", "hair.safetensors", "-o", "x.png"], 2),
        (["edit", "--seed", "1", "--latent", "a", "-d", "hair.safetensors", "-o", "x.png"], 2),
        (["edit", "--seed", "-1", "-d", "hair.safetensors", "-o", "x.png"], 2),
        (["edit", "--seed", "1", "-o", "x.png"], 2),
        (["edit", "--seed", "1", "-d", "hair.safetensors=much", "-o", "x.png"], 2),
        (["edit", "--seed", "1", "-d", "hair.safetensors"], 2),
        (["edit", "--seed", "1", "-d", "none.safetensors", "-o", "x.png"], 1),
        (["edit", "--seed", "1", "-d", "hair.safetensors", "-o", "no/x.png"], 1),
        (["edit", "--seed", "1", "-d", "hair.safetensors", "-o", "x.png", "--layers", "9"], 1),
        (["edit", "--latent", "hair.safetensors", "-d", "none", "-o", "x.png"], 1),
        (["edit", "--latent", "none.npy", "-d", "hair.safetensors", "-o", "x.png"], 1),
        (["edit", "--seed", "1", "-d", "hair.safetensors", "-o", "hair.safetensors"], 2),
    ],
)
def test_refusals_are_one_sentence_and_leave_nothing_behind(
    eclipsed: Run, words: list[str], code: int
) -> None:
    check_refusal(eclipsed, words, code)


def test_a_card_of_another_generator_is_refused(eclipsed: Run, world: World) -> None:
    save_card(world, "alien.safetensors", generator_name="ffhq", generator_fingerprint="0" * 64)
    ran = eclipsed("edit", "--seed", "1", "-d", "alien.safetensors", "-o", "x.png")
    assert ran.code == 1
    assert "'ffhq'" in ran.err
    assert not Path("x.png").exists()


def test_a_direction_of_z_can_edit_a_seed(eclipsed: Run, world: World) -> None:
    layers = world.generator.layers("z")
    save_card(world, "z.safetensors", vector=torch.ones(8), space="z", layers=layers)
    ran = eclipsed(
        "edit", "--seed", "1", "-d", "z.safetensors", "-d", "hair.safetensors", "-o", "x.png"
    )
    assert ran.code == 0, ran.err


def test_an_edit_is_kept_to_layers_and_regions_of_its_own(eclipsed: Run, world: World) -> None:
    base = ("edit", "--seed", "5", "-o")
    cards = ("-d", "hair.safetensors=1@0", "-d", "eyes.safetensors=1@hard:mouth@1-3")
    assert eclipsed(*base, "zero.png", "-d", "hair.safetensors=0").code == 0
    ran = eclipsed(*base, "both.png", *cards, "--layers", "2")
    assert ran.code == 0, ran.err
    zero, both = (load_png(name)[0] for name in ("zero.png", "both.png"))
    assert brightness("both.png", world, "hair") > brightness("zero.png", world, "hair") + 50
    assert zero.crop((0, 11, 32, 14)).tobytes() == both.crop((0, 11, 32, 14)).tobytes()
    _, recipe = load_png("both.png")
    assert recipe is not None
    first, second = recipe["edits"]
    assert first["layers"] == [0]
    assert (second["layers"], second["regions"], second["hard"]) == ([1, 2, 3], ["mouth"], True)


def test_a_truncation_of_its_own(eclipsed: Run, world: World) -> None:
    words = ("edit", "--seed", "5", "-d", "hair.safetensors=0", "-o", "x.png")
    assert eclipsed(*words, "--truncation", "0.3").code == 0
    latents = world.generator.sample([5], truncation=0.3)
    expected = to_pil(world.generator.synthesize(latents).image[0])
    picture, recipe = load_png("x.png")
    assert picture.tobytes() == expected.tobytes()
    assert recipe is not None
    assert recipe["truncation"] == 0.3


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--seed", "1", "-d", "hair.safetensors=1@hard:nose"], 1),
        (["--seed", "1", "-d", "hair.safetensors=1@hard:"], 2),
        (["--seed", "1", "-d", "hair.safetensors=1@hard:auto"], 2),
        (["--seed", "1", "-d", "hair.safetensors=1@x"], 2),
        (["--seed", "1", "-d", "hair.safetensors=1@9"], 1),
        (["--seed", "1", "-d", "hair.safetensors=1", "--truncation", "3"], 2),
        (["--latent", "l.npy", "-d", "hair.safetensors=1", "--truncation", "1"], 2),
    ],
)
def test_limits_that_make_no_sense_are_refused(eclipsed: Run, words: list[str], code: int) -> None:
    ran = eclipsed("edit", *words, "-o", "x.png")
    assert ran.code == code, ran.err
    assert ran.err.count("\n") == 1
    assert not Path("x.png").exists()


def test_a_drawn_mask_bounds_an_edit_and_is_in_its_recipe(eclipsed: Run, world: World) -> None:
    greys = Image.new("L", (32, 32))
    greys.paste(255, (6, 0, 12, 8))
    greys.save("left.png")
    words = ("edit", "--seed", "5", "-o")
    assert eclipsed(*words, "before.png", "-d", "hair.safetensors=0").code == 0
    assert eclipsed(*words, "after.png", "-d", "hair.safetensors=1@hard:left.png").code == 0
    before, after = (np.asarray(load_png(f"{name}.png")[0]) for name in ("before", "after"))
    assert (before != after)[:8, 6:12].any(axis=2).all()
    assert (before == after)[:, 20:].all()
    assert (before == after)[16:].all()
    _, recipe = load_png("after.png")
    assert recipe is not None
    assert Mask.from_text(recipe["edits"][0]["mask"]) == Mask.load("left.png")
    shown = eclipsed("show", "after.png")
    assert shown.code == 0
    assert len(shown.out) < 2_000


def test_a_mask_that_cannot_be_used_is_one_sentence(eclipsed: Run) -> None:
    np.save("m.png.npy", np.zeros(3))
    Path("m.png.npy").rename("m.png")
    Image.effect_noise((700, 700), 99).save("noise.png")
    for mask, words in {
        "none.png": "no such file",
        "m.png": "a NumPy array, not a PNG",
        "noise.png": "too much detail",
    }.items():
        card = f"hair.safetensors=1@hard:{mask}"
        ran = eclipsed("edit", "--seed", "5", "-d", card, "-o", "x.png")
        assert (ran.code, words in ran.err) == (1, True), ran.err
        assert not Path("x.png").exists()


def test_the_recipe_of_a_latent_holds_its_numbers(eclipsed: Run, world: World) -> None:
    latents = world.generator.sample([5])
    np.save("w.npy", latents.numpy())
    eclipsed("edit", "--latent", "w.npy", "-d", "hair.safetensors=1", "-o", "a.png")
    _, recipe = load_png("a.png")
    assert recipe is not None
    assert read_recipe(recipe).start == Start.of("w.npy", "w+", latents)


def test_a_file_of_several_latents_needs_an_index_or_a_folder(eclipsed: Run, world: World) -> None:
    latents = world.generator.sample([3, 4, 5], truncation=1.0)
    torch.save(latents.view(3, 4, 8), "latents.pt")
    words = ("edit", "--latent", "latents.pt", "-d", "hair.safetensors=1")
    ran = eclipsed(*words, "-o", "x.png")
    assert ran.code == 1
    assert "There are 3 latents in 'latents.pt'" in ran.err
    assert "--index 1 to 3, or name a folder with -o" in ran.err
    assert not Path("x.png").exists()
    assert eclipsed(*words, "--index", "2", "-o", "x.png").code == 0
    ran = eclipsed(*words, "-o", "all", "--json")
    assert ran.json["files"] == [f"all/latents-{i}.png" for i in (1, 2, 3)]
    picture, recipe = load_png("all/latents-2.png")
    assert picture.tobytes() == load_png("x.png")[0].tobytes()
    assert recipe is not None
    assert read_recipe(recipe).start == Start.of("latents.pt#2", "w+", latents[1:2])
    assert eclipsed(*words, "--index", "4", "-o", "x.png").code == 1


def test_several_seeds_are_edited_into_a_folder(eclipsed: Run) -> None:
    words = ("-d", "hair.safetensors=1", "--truncation", "1")
    ran = eclipsed("edit", "--seeds", "3,5-6", *words, "-o", "all", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["files"] == [f"all/seed-{seed}.png" for seed in (3, 5, 6)]
    for seed in ("3", "5", "6"):
        assert eclipsed("edit", "--seed", seed, *words, "-o", "one.png").code == 0
        (one, recipe), (other, also) = load_png("one.png"), load_png(f"all/seed-{seed}.png")
        assert one.tobytes() == other.tobytes()
        assert recipe == also


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["edit", "--seeds", "1,2", "-d", "hair.safetensors", "-o", "x.png"], 2),
        (["edit", "--seeds", "1", "--seed", "1", "-d", "hair.safetensors", "-o", "x.png"], 2),
        (["edit", "--seeds", "1,2", "-d", "hair.safetensors", "-o", "x.jpg"], 2),
        (["edit", "--seed", "1", "--index", "1", "-d", "hair.safetensors", "-o", "x.png"], 2),
        (["edit", "--seed", "1", "--space", "z", "-d", "hair.safetensors", "-o", "x.png"], 2),
    ],
)
def test_what_does_not_go_together_is_wrong_usage(
    eclipsed: Run, words: list[str], code: int
) -> None:
    check_refusal(eclipsed, words, code)


@pytest.mark.parametrize("name", ["x.jpg", "x.JPEG", "x.webp"])
def test_other_pictures_carry_their_recipe_too(eclipsed: Run, name: str) -> None:
    words = ("edit", "--seed", "5", "-d", "hair.safetensors=1.5", "-o")
    assert eclipsed(*words, "x.png").code == eclipsed(*words, name).code == 0
    (expected, recipe), (picture, also) = load_png("x.png"), load_png(name)
    assert also == recipe
    difference = np.asarray(picture, dtype=float) - np.asarray(expected, dtype=float)
    assert abs(difference).mean() < (3 if name != "x.webp" else 1e-9)
    kind = {"x.webp": "WebP"}.get(name, "JPEG")
    assert f"a {kind} picture of 32×32 pixels, made so" in eclipsed("show", name).out


def test_a_latent_of_z_is_the_image_of_its_seed(eclipsed: Run, world: World) -> None:
    np.save("z.npy", world.generator.sample([7], space="z").numpy())
    words = ("-d", "hair.safetensors=1", "-o")
    assert eclipsed("edit", "--seed", "7", "--truncation", "1", *words, "seed.png").code == 0
    said = eclipsed("edit", "--latent", "z.npy", "--space", "z", *words, "z.png")
    assert (said.code, said.err) == (0, "")
    picture, recipe = load_png("z.png")
    assert picture.tobytes() == load_png("seed.png")[0].tobytes()
    assert recipe is not None
    assert recipe["space"] == "z"
    guessed = eclipsed("edit", "--latent", "z.npy", *words, "guessed.png")
    assert "1×8 numbers may be of w or z; they are taken as w" in guessed.err


@pytest.mark.parametrize("count", [64, 160])
def test_many_seeds_are_drawn_with_few_images_in_memory(
    eclipsed: Run, world: World, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    save_card(world, "hair.safetensors")
    alive, most = 0, 0
    real = FakeGenerator.synthesize

    def forget(images: int) -> None:
        nonlocal alive
        alive -= images

    def synthesize(self: FakeGenerator, *arguments: Any, **options: Any) -> Synthesis:
        nonlocal alive, most
        synthesis = real(self, *arguments, **options)
        images = len(synthesis.image)
        alive, most = alive + images, max(most, alive + images)
        weakref.finalize(synthesis.image, forget, images)
        return synthesis

    monkeypatch.setattr(FakeGenerator, "synthesize", synthesize)
    words = ("edit", "--seeds", f"0-{count - 1}", "-d", "hair.safetensors", "-o", "out")
    assert eclipsed(*words).code == 0
    assert len(list(Path("out").iterdir())) == count
    assert most <= 2 * BATCH
