"""What people write in Python works as meant, or is refused by a sentence that they can act on.

Annotations are not enforced here, since nobody who uses the package has that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jaxtyping
import numpy as np
import pytest
import torch
from torch import Tensor

import eclipsed
from eclipsed import Direction, EclipsedError, Edit, EditStack, Goal
from eclipsed.testing import FakeSegmenter, fake_world, patch_vector
from eclipsed.types import Synthesis

WORLD = fake_world()
GENERATOR = WORLD.generator
LATENTS = GENERATOR.sample([1, 2])
IMAGES = torch.zeros(2, 3, 8, 8)


class FlatMasks(FakeSegmenter):
    """A segmenter of one's own that forgets that masks are [N, H, W]."""

    def masks(self, synthesis: Synthesis, regions: Any) -> Tensor:
        return super().masks(synthesis, regions)[:, None]


@pytest.fixture(autouse=True)
def _as_users_have_it() -> Iterator[None]:
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="module")
def direction() -> Direction:
    return Direction(
        vector=patch_vector("hair"),
        name="bright hair",
        prompt="bright hair",
        neutral="a person",
        regions=("hair",),
        space="w+",
        layers=GENERATOR.layers("w+"),
        generator_name=GENERATOR.name,
        generator_fingerprint=GENERATOR.fingerprint,
        method="by hand",
    )


def images_of(*stack: Any, latents: Any = LATENTS, **options: Any) -> Tensor:
    return eclipsed.render(GENERATOR, latents, *stack, **options)


# --- it works as meant --------------------------------------------------------------------------


def test_a_prompt_and_a_methods_name_train() -> None:
    by_name = eclipsed.train_direction(WORLD, "bright hair", method="paper", steps=2)
    goal = eclipsed.goal_from_prompt("bright hair", WORLD)
    by_config = eclipsed.train_direction(WORLD, goal, eclipsed.config_for("paper", steps=2))
    assert by_name.vector.equal(by_config.vector)
    assert (by_name.method, by_name.config["steps"]) == ("paper", 2)


def test_settings_without_a_method_are_the_defaults() -> None:
    direction = eclipsed.train_direction(WORLD, "bright hair", steps=1, layers=[0, 1])
    assert (direction.method, direction.config["steps_done"]) == ("default", 1)


def test_a_method_takes_the_best_space_of_the_generator() -> None:
    world = fake_world(spaces=("z",))
    assert eclipsed.train_direction(world, "bright hair", method="paper", steps=1).space == "z"


def test_folders_are_named_by_texts(tmp_path: Path) -> None:
    folder, log = str(tmp_path / "work"), str(tmp_path / "log.jsonl")
    eclipsed.train_direction(WORLD, "bright hair", method="paper", steps=1, work=folder, log=log)
    assert len(Path(log).read_text().splitlines()) == 1
    assert list(Path(folder).iterdir())


def test_stacks_take_edits_and_directions_alone(direction: Direction) -> None:
    expected = EditStack((Edit(direction),))
    stacks = [EditStack(Edit(direction)), EditStack(direction), EditStack([direction])]
    stacks += [EditStack().add(direction), expected.change(0, direction)]
    assert all(stack.edits == expected.edits for stack in stacks)
    for stack in (direction, Edit(direction), [direction]):
        assert images_of(stack).equal(images_of(expected))
    one = eclipsed.strip(GENERATOR, direction, LATENTS, [0, 1])
    assert one[:, 1].equal(images_of(expected))


def test_layers_become_a_tuple(direction: Direction) -> None:
    assert Edit(direction, layers=[0, 1]) == Edit(direction, layers=(0, 1))  # type: ignore[arg-type]
    assert Edit(direction, layers=1) == Edit(direction, layers=(1,))  # type: ignore[arg-type]


def test_latents_of_numpy_are_latents(direction: Direction) -> None:
    numbers = LATENTS.double().numpy()
    assert images_of(direction, latents=numbers).equal(images_of(direction))
    seeds = np.arange(3)
    assert GENERATOR.sample(seeds).equal(GENERATOR.sample([0, 1, 2]))
    assert GENERATOR.sample(2).equal(GENERATOR.sample([2]))  # type: ignore[arg-type]


def test_one_text_is_no_list_of_letters(direction: Direction) -> None:
    assert WORLD.encoder.encode_text("curly").equal(WORLD.encoder.encode_text(["curly"]))
    synthesis = GENERATOR.synthesize(LATENTS, features="layer_1")
    assert set(synthesis.features) == {"layer_1"}
    hair = WORLD.segmenter.masks(synthesis, ["hair"])
    assert WORLD.segmenter.masks(synthesis, "hair").equal(hair)
    assert Goal("bright hair", "a person", "hair").regions == ("hair",)  # type: ignore[arg-type]
    assert replace(direction, regions="hair").regions == ("hair",)
    goal = eclipsed.goal_from_prompt("bright hair", WORLD, regions="hair")
    assert goal.regions == ("hair",)


def test_a_segmenter_of_ones_own_needs_no_vocabulary() -> None:
    world = replace(WORLD, vocabulary={})
    assert eclipsed.goal_from_prompt("bright hair", world).regions == ("hair",)
    blind = replace(WORLD, segmenter=FakeSegmenter(regions=()), vocabulary={})
    assert eclipsed.goal_from_prompt("bright hair", blind).regions == ()


def test_pictures_of_a_batch_of_one(tmp_path: Path) -> None:
    assert eclipsed.to_pil(IMAGES[:1]).size == (8, 8)
    eclipsed.save_png(IMAGES[0], tmp_path / "image.png")
    assert eclipsed.load_png(tmp_path / "image.png")[0].size == (8, 8)


def test_what_is_printed_is_one_line(direction: Direction) -> None:
    scored = replace(direction, range=(-0.39999999999999997, 1.5))
    assert repr(scored) == ("<Direction 'bright hair' in hair: w+ of fake, range -0.40 to 1.50>")
    assert scored.range == (-0.4, 1.5)
    assert repr(WORLD).startswith("<World 'fake': fake, 32×32, regions ")
    assert repr(Goal("bright hair", "a person")) == (
        "<Goal 'bright hair' from 'a person' in the whole image>"
    )
    assert "\n" not in repr(EditStack(direction))
    assert len(repr(EditStack(direction))) < 200


# --- it is refused by a sentence ----------------------------------------------------------------

Call = Callable[[Direction], Any]
REFUSED: dict[str, tuple[Call, str]] = {
    "a goal that is none": (lambda d: eclipsed.train_direction(WORLD, 5), "A prompt is a text"),
    "a config's name": (
        lambda d: eclipsed.train_direction(WORLD, "hair", "paper"),
        "method='paper'",
    ),
    "a method and a config": (
        lambda d: eclipsed.train_direction(
            WORLD, "hair", eclipsed.config_for("paper"), method="paper", steps=3
        ),
        "method, steps cannot stand beside it",
    ),
    "an unknown method": (
        lambda d: eclipsed.train_direction(WORLD, "hair", method="x"),
        "no method",
    ),
    "an unknown setting": (
        lambda d: eclipsed.config_for("default", lr=5),
        "no setting 'lr'. It has",
    ),
    "a number as text": (lambda d: eclipsed.config_for("default", steps="3"), "'steps' must be"),
    "half a step": (lambda d: eclipsed.config_for("paper", steps=2.5), "a whole number"),
    "layers that are none": (lambda d: eclipsed.config_for("paper", layers=3), "'layers' must"),
    "the path of a card": (lambda d: Edit("card.safetensors"), r"Direction\.load\("),
    "a stack of paths": (lambda d: EditStack(["a.safetensors"]), r"Direction\.load\("),
    "a stack of a path": (lambda d: EditStack("a.safetensors"), r"Direction\.load\("),
    "a stack of a number": (lambda d: EditStack(5), "not int"),
    "a tensor to add": (lambda d: EditStack().add(d.vector), "not Tensor"),
    "a strength as text": (lambda d: Edit(d, "1.2"), "A strength is a finite number"),
    "a strength of nan": (lambda d: Edit(d, float("nan")), "A strength is a finite number"),
    "layers as text": (lambda d: Edit(d, layers="3-5"), "Layers are whole numbers"),
    "a place as text": (lambda d: EditStack(d).remove("0"), "no place '0'"),
    "a mask of a batch": (lambda d: Edit(d, hard=True, mask=torch.ones(1, 8, 8)), r"\[h, w\]"),
    "w for w+": (
        lambda d: images_of(EditStack(), latents=GENERATOR.sample([1], space="w")),
        "They fit w and z: say which, as in space='w'",
    ),
    "w for w+ in synthesize": (
        lambda d: GENERATOR.synthesize(GENERATOR.sample([1], space="w")),
        "those of w\\+ here are",
    ),
    "one latent without its row": (
        lambda d: images_of(EditStack(), latents=LATENTS[0]),
        "a row for",
    ),
    "latents to score": (
        lambda d: eclipsed.evaluate(WORLD, d, LATENTS, space="z"),
        "They fit w\\+ and s: say which, as in space='w\\+'",
    ),
    "masks of another shape": (
        lambda d: images_of(Edit(d, hard=True), segmenter=FlatMasks()),
        r"must return \[N, H, W\]",
    ),
    "masks in a training": (
        lambda d: eclipsed.train_direction(
            replace(WORLD, segmenter=FlatMasks(fingerprint="6" * 64)), "bright hair", steps=1
        ),
        r"must return \[N, H, W\]",
    ),
    "a number as text to encode": (lambda d: WORLD.encoder.encode_text([5]), "A text is expected"),
    "a number as region": (
        lambda d: WORLD.segmenter.masks(GENERATOR.synthesize(LATENTS), 5),
        "A text is expected",
    ),
    "a seed below 0": (lambda d: GENERATOR.sample([-1]), "not a seed"),
    "a seed as text": (lambda d: GENERATOR.sample(["1"]), "not a seed"),
    "half a seed": (lambda d: GENERATOR.sample([0.5]), "not a seed"),
    "a batch as a picture": (lambda d: eclipsed.to_pil(IMAGES), r"images\[0\]"),
    "a mask as a picture": (lambda d: eclipsed.to_pil(IMAGES[0, 0]), r"\[3, H, W\]"),
    "a sheet of nothing": (lambda d: eclipsed.grid(IMAGES[:0], 2), "needs images"),
    "too few labels": (lambda d: eclipsed.grid(IMAGES, 2, labels=["1"]), "1 labels for 2 images"),
    "a strip of a batch": (lambda d: eclipsed.strip_picture(IMAGES, [], []), r"\[S, A, 3, H, W\]"),
    "a recipe of tensors": (
        lambda d: eclipsed.save_png(IMAGES[0], "a.png", {"x": IMAGES}),
        "no JSON",
    ),
    "a region as prompt": (
        lambda d: eclipsed.goal_from_prompt(["hair"], WORLD),
        "A prompt is a text",
    ),
    "a direction times 0": (lambda d: d * 0, "changes nothing"),
    "a direction times a text": (lambda d: d * "2", "A factor is a finite number"),
    "a direction and a number": (lambda d: d + 5, "Only a direction"),
    "two generators": (lambda d: d + replace(d, generator_fingerprint="0"), "for the generator"),
    "two spaces": (
        lambda d: (
            d
            + replace(
                d, space="w", layers=GENERATOR.layers("w"), vector=torch.ones(d.layers[0].width)
            )
        ),
        "in one EditStack",
    ),
    "ranges that do not meet": (
        lambda d: replace(d, range=(0.0, 1.0)) - replace(d, range=(0.0, 1.0)),
        "No strength is good",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_by_a_sentence(
    case: str, direction: Direction, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    call, words = REFUSED[case]
    with pytest.raises(EclipsedError, match=words) as caught:
        call(direction)
    assert str(caught.value).endswith(".")
    assert not list(tmp_path.iterdir())
