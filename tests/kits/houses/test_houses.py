"""A world that knows nothing of people: houses, described by a TOML file, edited like any other."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from jaxtyping import Float, Int
from torch import Tensor

from eclipsed.checkpoints.reading import read_checkpoint
from eclipsed.directions import Direction, card_facts
from eclipsed.editing.masks import dilate
from eclipsed.editing.stack import Edit, EditStack, render
from eclipsed.errors import UnknownName
from eclipsed.evaluation.evaluate import judged_by, score_direction
from eclipsed.evaluation.metrics import directional, locality
from eclipsed.evaluation.scores import INDEPENDENT, KEYS
from eclipsed.generators.stylegan2 import StyleGAN2
from eclipsed.methods.default import DefaultConfig
from eclipsed.methods.training import train_direction
from eclipsed.prompts.goals import goal_from_prompt, understand
from eclipsed.search.preflight import check
from eclipsed.types import Encoder, Judge, World
from eclipsed.worlds import load_world
from kits.houses import design, drawing, phrases, recipe

HOUSES = Path(recipe.__file__).parent
JUDGES = ("judge_encoder.safetensors", "judge_segmenter.safetensors")
WEIGHTS = ("generator.safetensors", "encoder.safetensors", "segmenter.safetensors", *JUDGES)
SEEDS = range(5_000, 5_024)
# Floors for the committed weights: what they reach on many seeds, less what few seeds vary by.
PSNR = 30.0  # decibels
IOU = 0.7  # of the worst region
ZERO_SHOT = 0.93  # share of right answers over all groups


@pytest.fixture(scope="module")
def world() -> World:
    return load_world(HOUSES / "houses.toml")


@pytest.fixture(autouse=True)
def _one_cache(shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests of this file share their pools."""
    monkeypatch.setattr("platformdirs.user_cache_path", lambda app: shared_cache / app)


def drawn(
    world: World, latents: Float[Tensor, "n d"]
) -> tuple[Float[Tensor, "n 3 h w"], Int[Tensor, "n h w"], dict[str, drawing.Floats]]:
    """What rows of W+ must show: the renderer's image, its regions, and the house."""
    generator = world.generator
    assert isinstance(generator, StyleGAN2)
    rows = latents.unflatten(1, (generator.num_ws, generator.w_dim)) - generator.mapping.w_avg
    house = design.shown_by_rows(rows.numpy())
    pixels, regions = drawing.render(house)
    return recipe.to_images(pixels), torch.from_numpy(regions), house


def psnr(images: Float[Tensor, "n 3 h w"], others: Float[Tensor, "n 3 h w"]) -> Tensor:
    """Peak signal-to-noise ratio of each image, in decibels."""
    error = (images.clamp(-1, 1) - others) / 2
    return -10 * error.square().mean(dim=(1, 2, 3)).log10()


def overlap(labels: Int[Tensor, "n h w"], regions: Int[Tensor, "n h w"]) -> dict[str, float]:
    """Mean intersection over union of each region, over images that show it."""
    found = {}
    for number, name in enumerate(drawing.REGIONS):
        ours, truth = labels == number, regions == number
        seen = truth.any(dim=2).any(dim=1)
        both = (ours & truth).sum(dim=(1, 2)) / (ours | truth).sum(dim=(1, 2)).clamp(min=1)
        found[name] = float(both[seen].mean())
    return found


def answers(world: World, encoder: Encoder, seeds: Sequence[int]) -> dict[str, float]:
    """Share of images whose value an encoder tells from held-out sentences, for each group."""
    latents = world.generator.sample(seeds, truncation=1.0)
    images = encoder.encode_image(world.generator.synthesize(latents).image)
    house = drawn(world, latents)[2]
    found = {}
    for group in drawing.GROUPS:
        says = {say.values: say.held_out for say in phrases.SAYINGS if say.group == group.name}
        own = [says[(value,)] for value in group.values]
        clear = house[group.name].max(axis=1) > 0.9
        if group.name == "door color":
            clear &= house["door"][:, -1] == 0  # a house without a door has none
        hits = []
        for wordings in zip(*own, strict=False):
            for frame in phrases.HELD_OUT_FRAMES:
                texts = encoder.encode_text([frame.format(phrase) for phrase in wordings])
                told = (images @ texts.t()).argmax(dim=1).numpy()
                hits.append((told == house[group.name].argmax(axis=1))[clear].mean())
        found[group.name] = float(np.mean(hits))
    return found


# --- what the example is made of ----------------------------------------------------------------


def test_the_files_are_small() -> None:
    assert sum((HOUSES / name).stat().st_size for name in WEIGHTS) < 1_500_000
    assert sum((HOUSES / name).stat().st_size for name in JUDGES) < 500_000


def test_every_value_is_said_and_nothing_is_trained_and_tested_on() -> None:
    said = {(say.group, say.values) for say in phrases.SAYINGS}
    assert said >= {(g.name, (value,)) for g in drawing.GROUPS for value in g.values}
    trained = {text for say in phrases.SAYINGS for text in phrases.framed(say.phrases)}
    tested = {
        text
        for say in phrases.SAYINGS
        for text in phrases.framed(say.held_out, phrases.HELD_OUT_FRAMES)
    }
    assert min(len(say.phrases) for say in phrases.SAYINGS) >= 4
    assert min(len(say.held_out) for say in phrases.SAYINGS) >= 2
    assert not trained & tested


def test_every_value_looks_different() -> None:
    usual = {group.name: np.zeros(1, dtype=np.intp) for group in drawing.GROUPS}
    for group in drawing.GROUPS:
        looks = [
            drawing.render(drawing.one_hot(usual | {group.name: np.array([k])}))[0]
            for k in range(len(group.values))
        ]
        for k, one in enumerate(looks):
            for other in looks[:k]:
                assert (np.abs(one - other).max(axis=3) > 0.1).sum() > 10


def test_a_change_of_one_thing_stays_in_its_region() -> None:
    usual = {group.name: np.zeros(1, dtype=np.intp) for group in drawing.GROUPS}
    for name in ("roof color", "wall color", "door color"):
        (one, regions), (other, _) = (
            drawing.render(drawing.one_hot(usual | {name: np.array([k])})) for k in (0, 1)
        )
        changed = np.abs(one - other).max(axis=3) > 0.2
        assert set(regions[changed]) == {drawing.REGIONS.index(name.split()[0])}


def test_the_mapping_network_is_what_the_codes_say(world: World) -> None:
    z = np.random.default_rng(3).standard_normal((200, design.Z_DIM)).astype(np.float32)
    latents = world.generator.from_z(torch.from_numpy(z))
    house = drawn(world, latents)[2]
    expected = design.shown(dict.fromkeys(design.ROWS, design.codes_from_z(z)))
    for group, weights in expected.items():
        np.testing.assert_allclose(house[group], weights, atol=2e-3)
    # Every value is about as common as the others of its group, and nearly all are clear.
    for group in drawing.GROUPS:
        share = design.codes_from_z(z)[:, design.COLUMNS[group.name]].mean(axis=0)
        np.testing.assert_allclose(share, 1 / len(group.values), atol=0.12)
        assert (expected[group.name].max(axis=1) > 0.9).mean() > 0.9


def test_what_is_written_into_w_is_read_from_it() -> None:
    made = np.random.default_rng(4).uniform(-2, 3, (20, design.WIDTH)).astype(np.float32)
    np.testing.assert_allclose(design.codes_from_w(design.w_from_codes(made)), made, atol=1e-4)


# --- the networks -------------------------------------------------------------------------------


def test_the_generator_is_an_ordinary_checkpoint(world: World) -> None:
    checkpoint = read_checkpoint(HOUSES / "generator.safetensors")
    assert checkpoint.family == "stylegan2"
    assert {"mapping.w_avg", "synthesis.b64.conv1.weight"} <= set(checkpoint.tensors)
    assert (world.generator.resolution, world.generator.z_dim) == (64, design.Z_DIM)
    assert len(world.generator.layers("w+")) == design.NUM_WS


@pytest.mark.parametrize("truncation", [0.7, 1.0])
def test_samples_are_what_was_written_into_w(world: World, truncation: float) -> None:
    latents = world.generator.sample(SEEDS, truncation=truncation)
    images, _, _ = drawn(world, latents)
    assert float(psnr(world.generator.synthesize(latents).image, images).median()) > PSNR


def test_shapes_and_colours_mix(world: World) -> None:
    latents = world.generator.sample(SEEDS).unflatten(1, (design.NUM_WS, design.W_DIM))
    mixed = torch.cat([latents[:12, :4], latents[12:, 4:]], dim=1).flatten(1)
    assert (
        float(psnr(world.generator.synthesize(mixed).image, drawn(world, mixed)[0]).median()) > PSNR
    )
    _, _, house = drawn(world, mixed)
    _, _, first = drawn(world, latents[:12].flatten(1))
    _, _, second = drawn(world, latents[12:].flatten(1))
    np.testing.assert_allclose(house["windows"], first["windows"], atol=1e-3)
    np.testing.assert_allclose(house["sky"], second["sky"], atol=1e-3)


def judge_of(world: World) -> Judge:
    assert world.judge is not None
    return world.judge()


@pytest.mark.parametrize("judges", [False, True])
def test_regions_are_found(world: World, judges: bool) -> None:
    segmenter = judge_of(world).segmenter if judges else world.segmenter
    assert segmenter.regions == drawing.REGIONS
    latents = world.generator.sample(SEEDS)
    made = world.generator.synthesize(latents)
    labels = torch.zeros(made.image.shape[0], 64, 64, dtype=torch.int64)
    for number, name in enumerate(drawing.REGIONS):
        labels[segmenter.masks(made, [name]) == 1] = number
    found = overlap(labels, drawn(world, latents)[1])
    assert min(found.values()) > IOU, found


@pytest.mark.parametrize("judges", [False, True])
def test_held_out_sentences_are_understood(world: World, judges: bool) -> None:
    found = answers(world, judge_of(world).encoder if judges else world.encoder, SEEDS)
    chances = {group.name: 1 / len(group.values) for group in drawing.GROUPS}
    assert all(found[name] > 1.8 * chance for name, chance in chances.items()), found
    assert np.mean(list(found.values())) > ZERO_SHOT, found


# --- the package on it --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prompt", "regions"),
    [
        ("a red roof", ("roof",)),
        ("a night sky", ("sky",)),
        ("smoke from the chimney", ("chimney",)),
        ("round windows", ("windows",)),
        ("an arched door", ("door",)),
        ("a tree in the garden", ("garden",)),
        ("a house with pink walls", ("wall",)),
        ("a photo of a house with a dome and a white fence", ("roof", "garden")),
        ("a house at sunset", ("sky",)),
        ("a haunted castle", ()),
        ("a tree behind the house", ("garden",)),
        ("an oak beside the house", ("garden",)),
    ],
)
def test_prompts_name_regions(world: World, prompt: str, regions: tuple[str, ...]) -> None:
    goal = goal_from_prompt(prompt, world)
    assert (goal.neutral, goal.regions) == ("a house", regions), understand(prompt, world).reason


@pytest.fixture(scope="module")
def red_roof(world: World) -> Direction:
    config = DefaultConfig(pool=256, steps=10, originals=24)
    return train_direction(world, goal_from_prompt("a red roof", world), config)


def local_share(world: World, direction: Direction, seeds: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Of each seed: the share of the change that falls into the true regions, and the images at
    strengths −1, 0 and 1, [3, N, 3, H, W]."""
    latents = world.generator.sample(seeds, truncation=world.truncation)
    images, masks = [], []
    wanted = torch.tensor([drawing.REGIONS.index(region) for region in direction.regions])
    for strength in (-1.0, 0.0, 1.0):
        images.append(
            render(world.generator, latents, EditStack((Edit(direction, strength),))).clamp(-1, 1)
        )
        moved = latents + strength * direction.vector
        masks.append(torch.isin(drawn(world, moved)[1], wanted).float())
    inside = dilate(torch.maximum(masks[1], masks[2]), 1)
    return locality(images[1], images[2], inside), torch.stack(images)


def redness(images: Float[Tensor, "n 3 h w"], roof: Float[Tensor, "n h w"]) -> Tensor:
    """How much more red than anything else the roof of each image is."""
    red = images[:, 0] - images[:, 1:].mean(dim=1)
    return (red * roof).sum(dim=(1, 2)) / roof.sum(dim=(1, 2))


def with_roof(world: World, *, red: bool) -> tuple[list[int], Tensor]:
    """Held-out seeds whose roof is red, or not, and where their roofs are."""
    seeds = range(200, 300)
    _, regions, house = drawn(world, world.generator.sample(seeds))
    chosen = np.flatnonzero(house["roof color"][:, 0] == float(red))[:16]
    roof = (regions[torch.from_numpy(chosen)] == drawing.REGIONS.index("roof")).float()
    return [seeds[int(i)] for i in chosen], roof


def test_a_direction_does_what_it_says_on_seeds_it_has_not_seen(
    world: World, red_roof: Direction
) -> None:
    seeds, roof = with_roof(world, red=False)
    inside, (_, before, after) = local_share(world, red_roof, seeds)
    assert float((redness(after, roof) - redness(before, roof)).median()) > 0.5
    assert float(inside.median()) > 0.7


def test_the_way_back_takes_the_colour_away(world: World, red_roof: Direction) -> None:
    seeds, roof = with_roof(world, red=True)
    _, (after, before, _) = local_share(world, red_roof, seeds)
    assert float(redness(before, roof).median()) > 0.8
    assert float(redness(after, roof).median()) < 0.4


def test_independent_networks_judge(world: World, red_roof: Direction) -> None:
    assert judged_by(world) == INDEPENDENT
    judge = judge_of(world)
    assert (judge.encoder.name, judge.segmenter.name) == ("judge_encoder", "judge_segmenter")
    scores = score_direction(world, red_roof, seeds=range(900, 932), strengths=(-2, 0, 2))
    told = {key: score["median"] for key, score in scores.items() if score}
    assert set(told) == set(KEYS) - {
        "success",
        "reversal",
        "preservation",
    }  # these need a classifier
    assert told["text_gain"] > 0.3
    assert told["locality"] > 0.7
    assert told["identity"] > 0.9
    assert told["monotonicity"] > 0.7
    back = replace(red_roof, vector=-red_roof.vector)
    lost = score_direction(world, back, seeds=range(900, 932), strengths=(-2, 0, 2))
    assert lost["text_gain"] is not None
    assert lost["text_gain"]["median"] < 0
    assert lost["monotonicity"] is not None
    assert lost["monotonicity"]["median"] < 0.3


def test_nobody_speaks_of_faces(world: World, red_roof: Direction) -> None:
    said = json.dumps(card_facts(red_roof)) + json.dumps(
        check(world, goal_from_prompt("a red roof", world), range(300, 332)).to_json()
    )
    for prompt in ("a castle", "a tree", "something else"):
        said += understand(prompt, world).reason
    for bad in ("hat", "face"):
        with pytest.raises(UnknownName) as refused:
            goal_from_prompt("a red roof", world, regions=[bad])
        said += str(refused.value).replace(f"'{bad}'", "")
    told = set(re.findall("[a-z]+", said.lower()))
    assert not told & {"face", "person", "portrait", "avatar", "hair", "hat", "mouth", "starter"}


def test_the_pre_flight_tells_houses_from_what_is_none(world: World) -> None:
    seeds = range(300, 364)
    roof, dog = (check(world, goal_from_prompt(p, world), seeds) for p in ("a red roof", "a dog"))
    assert (roof.present, dog.verdict) == (1.0, "unlikely")
    assert roof.contrast > 2 * dog.contrast


# --- remaking, and what the weights are worth ---------------------------------------------------


@pytest.mark.slow
def test_the_world_is_made_from_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe.main([str(tmp_path / "houses"), "--smoke"])
    assert "done" in capsys.readouterr().err
    files = sorted(path.name for path in (tmp_path / "houses").iterdir())
    assert files == sorted([*WEIGHTS, "houses.toml"])
    made = load_world(tmp_path / "houses" / "houses.toml")
    image = made.generator.synthesize(made.generator.sample([1])).image
    assert image.shape == (1, 3, 64, 64)
    assert image.isfinite().all()
    recipe.main([str(tmp_path / "again"), "--smoke"])
    for name in WEIGHTS:
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "houses" / name).read_bytes()


@pytest.mark.slow
@torch.no_grad()
def test_the_weights_are_as_good_as_they_were(world: World) -> None:
    seeds = range(40_000, 40_256)
    for truncation in (0.7, 1.0):
        latents = world.generator.sample(seeds, truncation=truncation)
        made = world.generator.synthesize(latents)
        images, regions, _ = drawn(world, latents)
        quality = psnr(made.image, images)
        assert float(quality.median()) > PSNR + 1
        assert float(quality.quantile(0.05)) > PSNR - 5
        labels = world.segmenter.network(made.image.clamp(-1, 1)).argmax(dim=1)  # type: ignore[attr-defined]
        assert min(overlap(labels, regions).values()) > IOU + 0.02
    assert np.mean(list(answers(world, world.encoder, seeds).values())) > ZERO_SHOT + 0.02


@pytest.mark.slow
@pytest.mark.parametrize(
    ("prompt", "group", "value", "local"),
    [
        ("a red roof", "roof color", "red", 0.85),
        ("a night sky", "sky", "night", 0.9),
        ("an arched door", "door", "arched", 0.7),
        ("a tree in the garden", "garden", "tree", 0.85),
    ],
)
def test_directions_are_local_and_strong(
    world: World, prompt: str, group: str, value: str, local: float
) -> None:
    direction = train_direction(world, goal_from_prompt(prompt, world))
    seeds = range(200, 264)
    column = next(g.values for g in drawing.GROUPS if g.name == group).index(value)
    house = drawn(world, world.generator.sample(seeds))[2]
    lacking = [seeds[int(i)] for i in np.flatnonzero(house[group][:, column] == 0)]
    inside, (_, before, after) = local_share(world, direction, lacking)
    assert float(inside.median()) > local
    encoder = judge_of(world).encoder  # not the one that the training climbed
    texts = encoder.encode_text([prompt, "a house"])
    seen = [encoder.encode_image(images) for images in (before, after)]
    assert float(directional(texts[0] - texts[1], *seen).median()) > 0.4
