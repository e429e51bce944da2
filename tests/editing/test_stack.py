from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from eclipsed.directions import Direction
from eclipsed.editing.stack import Edit, EditStack, blend, feather, region_mask, render, strip
from eclipsed.errors import BadSetting, EclipsedError, UnknownName, WrongGenerator
from eclipsed.testing import FakeGenerator, FakeSegmenter, patch_mask, patch_vector
from eclipsed.types import Space

GENERATOR = FakeGenerator()
SEEDS = range(3)
strengths = st.floats(-2.0, 2.0, width=32)


def make(vector: Tensor, space: Space = "w+", **changes: Any) -> Direction:
    fields: dict[str, Any] = {
        "vector": vector,
        "name": "a change",
        "prompt": "a change",
        "neutral": "a person",
        "space": space,
        "layers": GENERATOR.layers(space),
        "generator_name": GENERATOR.name,
        "generator_fingerprint": GENERATOR.fingerprint,
        "method": "text",
    }
    return Direction(**(fields | changes))


HAIR = make(patch_vector("hair"), name="bright hair", regions=("hair",), unit=0.5)
MOUTH = make(patch_vector("mouth"), name="bright mouth", regions=("mouth",))
LEAKY = make(patch_vector("hair") + patch_vector("mouth"), name="leaky", regions=("hair", "hat"))


def images(stack: EditStack, space: Space = "w+") -> Tensor:
    latents = GENERATOR.sample(SEEDS, truncation=1.0, space=space)
    return render(GENERATOR, latents, stack, space=space, segmenter=FakeSegmenter())


def test_an_edit_adds_strength_times_unit_times_vector() -> None:
    latents = GENERATOR.sample(SEEDS)
    edited = EditStack((Edit(HAIR, 2.0),)).apply(GENERATOR, latents, "w+")
    torch.testing.assert_close(edited, latents + 2.0 * 0.5 * patch_vector("hair"))
    change = images(EditStack((Edit(HAIR, 1.0),))) - images(EditStack())
    torch.testing.assert_close(change, (0.4 * patch_mask("hair")).expand_as(change))


@given(st.lists(st.sampled_from([HAIR, MOUTH, LEAKY]), max_size=4), st.booleans())
def test_strength_zero_and_muted_edits_change_no_bit(kinds: list[Direction], hard: bool) -> None:
    idle = EditStack(tuple(Edit(kind, 0.0, hard=hard) for kind in kinds))
    assert torch.equal(images(idle), images(EditStack()))
    muted = EditStack(tuple(Edit(kind, 2.0, hard=hard, muted=True) for kind in kinds))
    assert torch.equal(images(muted), images(EditStack()))


@given(strengths, strengths)
def test_edits_commute_and_add_up(one: float, other: float) -> None:
    ab = EditStack((Edit(HAIR, one), Edit(MOUTH, other)))
    torch.testing.assert_close(images(ab), images(ab.move(0, 1)))
    twice = EditStack((Edit(HAIR, one), Edit(HAIR, other)))
    torch.testing.assert_close(images(twice), images(EditStack((Edit(HAIR, one + other),))))
    back = EditStack((Edit(HAIR, one), Edit(HAIR, -one)))
    torch.testing.assert_close(images(back), images(EditStack()))


def test_fifty_edits_and_undo_give_the_first_image_bit_for_bit() -> None:
    first = images(EditStack())
    history = [EditStack()]
    for i in range(50):
        kind = (HAIR, MOUTH, LEAKY)[i % 3]
        history.append(history[-1].add(Edit(kind, 0.1 * i - 2.0, hard=i % 7 == 0)))
    assert not torch.equal(images(history[-1]), first)
    while len(history) > 1:
        history.pop()
    assert torch.equal(images(history[-1]), first)
    stack = EditStack(tuple(Edit(HAIR, 0.3) for _ in range(50)))
    for _ in range(50):
        stack = stack.remove(0)
    assert torch.equal(images(stack), first)


@given(st.data())
def test_a_stack_behaves_as_a_list_and_never_changes(data: st.DataObject) -> None:
    stack, model = EditStack(), []
    for step in range(data.draw(st.integers(0, 8))):
        old, copy = stack, list(model)
        edit = Edit(HAIR, float(step))
        match data.draw(st.sampled_from(["add", "insert", "remove", "move", "change", "mute"])):
            case "add":
                stack = stack.add(edit)
                model.append(edit)
            case "insert":
                at = data.draw(st.integers(0, len(model)))
                stack = stack.add(edit, at=at)
                model.insert(at, edit)
            case what if model:
                at = data.draw(st.integers(0, len(model) - 1))
                if what == "remove":
                    stack = stack.remove(at)
                    model.pop(at)
                elif what == "move":
                    to = data.draw(st.integers(0, len(model) - 1))
                    stack = stack.move(at, to)
                    model.insert(to, model.pop(at))
                elif what == "change":
                    stack = stack.change(at, edit)
                    model[at] = edit
                else:
                    stack = stack.mute(at)
                    model[at] = replace(model[at], muted=True)
        assert list(old.edits) == copy
    assert list(stack.edits) == model


@pytest.mark.parametrize("index", [-1, 1, 5])
def test_a_place_that_does_not_exist_is_named(index: int) -> None:
    stack = EditStack((Edit(HAIR),))
    for change in (stack.remove, stack.mute, lambda i: stack.move(i, 0)):
        with pytest.raises(UnknownName, match=rf"no place {index} .*Choose from 0 to 0\."):
            change(index)
    with pytest.raises(UnknownName, match="It is empty"):
        EditStack().remove(0)


def test_muting_can_be_undone() -> None:
    stack = EditStack((Edit(HAIR, 1.0),))
    again = stack.mute(0).mute(0, muted=False)
    assert again == stack
    assert torch.equal(images(again), images(stack))


def test_layers_are_chosen_at_edit_time() -> None:
    both = EditStack((Edit(LEAKY, 1.0, layers=(0,)),))
    torch.testing.assert_close(images(both), images(EditStack((Edit(HAIR, 2.0),))))
    with pytest.raises(UnknownName, match="no layer 9"):
        images(EditStack((Edit(LEAKY, 1.0, layers=(0, 9)),)))


def test_a_direction_of_w_moves_every_row_or_the_chosen_ones() -> None:
    everywhere = make(torch.ones(8), space="w")
    latents = GENERATOR.sample(SEEDS)
    edited = EditStack((Edit(everywhere, 0.5),)).apply(GENERATOR, latents, "w+")
    torch.testing.assert_close(edited, latents + 0.5)
    some = EditStack((Edit(everywhere, 0.5, layers=(1, 3)),)).apply(GENERATOR, latents, "w+")
    moved = (some - latents).view(len(SEEDS), 4, 8).abs().amax(dim=(0, 2))
    torch.testing.assert_close(moved, torch.tensor([0.0, 0.5, 0.0, 0.5]))
    from_w = EditStack((Edit(everywhere, 0.5),))
    torch.testing.assert_close(images(from_w, "w"), images(from_w, "w+"))


@given(st.permutations(["z", "w", "w+", "s"]))
def test_edits_of_all_spaces_work_in_any_order(order: list[Space]) -> None:
    vectors: dict[Space, Tensor] = {
        "z": torch.eye(8)[0],
        "w": torch.eye(8)[1],
        "w+": patch_vector("eyes"),
        "s": torch.eye(32)[30],
    }
    stack = EditStack(tuple(Edit(make(vectors[space], space), 0.7) for space in order))
    z = GENERATOR.sample(SEEDS, space="z")
    plus = GENERATOR.from_z(z + 0.7 * vectors["z"], truncation=0.6)
    plus = plus + 0.7 * vectors["w"].repeat(4) + 0.7 * vectors["w+"]
    style = GENERATOR.convert(plus, "w+", "s") + 0.7 * vectors["s"]
    assert stack.space("z") == "s"
    torch.testing.assert_close(stack.apply(GENERATOR, z, "z", truncation=0.6), style)
    image = render(GENERATOR, z, stack, space="z", truncation=0.6)
    torch.testing.assert_close(image, GENERATOR.synthesize(style, "s").image)


def test_truncation_counts_when_only_z_is_edited() -> None:
    z = GENERATOR.sample(SEEDS, space="z")
    edit = EditStack((Edit(make(torch.eye(8)[0], "z"), 1.0),))
    image = render(GENERATOR, z, edit, space="z", truncation=0.5)
    expected = GENERATOR.synthesize(GENERATOR.from_z(z + torch.eye(8)[0], truncation=0.5)).image
    torch.testing.assert_close(image, expected)


def test_an_edit_in_a_space_that_was_left_is_refused() -> None:
    stack = EditStack((Edit(make(torch.ones(8), "z")),))
    with pytest.raises(EclipsedError, match=r"edits z, but these latents are already in w\+"):
        images(stack)


def test_a_direction_of_another_generator_is_refused() -> None:
    stranger = make(torch.ones(32), generator_fingerprint="0" * 64)
    with pytest.raises(WrongGenerator):
        images(EditStack((Edit(stranger),)))


def test_latents_are_left_as_they_were() -> None:
    latents = GENERATOR.sample(SEEDS)
    before = latents.clone()
    render(GENERATOR, latents, EditStack((Edit(HAIR), Edit(MOUTH))))
    assert torch.equal(latents, before)


def test_many_images_are_the_same_as_few() -> None:
    latents = GENERATOR.sample(range(70))
    stack = EditStack((Edit(LEAKY, 1.0, hard=True),))
    many = render(GENERATOR, latents, stack, segmenter=FakeSegmenter())
    few = render(GENERATOR, latents[33:35], stack, segmenter=FakeSegmenter())
    torch.testing.assert_close(many[33:35], few)


def test_a_hard_edit_leaves_every_other_pixel_bit_identical() -> None:
    before = images(EditStack((Edit(MOUTH, 0.3),)))
    stack = EditStack((Edit(MOUTH, 0.3), Edit(LEAKY, 1.0, hard=True)))
    after = images(stack)
    latents = GENERATOR.sample(SEEDS, truncation=1.0)
    soft = render(GENERATOR, latents, stack.change(1, Edit(LEAKY, 1.0)))
    mask = feather(patch_mask("hair")[None]).expand(len(SEEDS), -1, -1)[:, None].expand_as(after)
    assert (mask == 0.0).any()
    assert torch.equal(after[mask == 0.0], before[mask == 0.0])
    assert torch.equal(after[mask == 1.0], soft[mask == 1.0])
    first = stack.move(1, 0)  # the place of a hard edit among soft ones does not matter
    assert torch.equal(images(first), after)
    assert not torch.equal(soft[mask == 0.0], before[mask == 0.0])


def test_a_hard_edit_covers_its_region_before_and_after() -> None:
    hat = make(patch_vector("hair", stripes=True), regions=("hat",))
    before = images(EditStack())
    after = images(EditStack((Edit(hat, 1.0, hard=True),)))
    change = (after - before).abs().amax(dim=(0, 1))
    assert (change[patch_mask("hair") == 1.0] > 0.5).all()


def test_a_hard_edit_of_the_whole_image_is_the_edit() -> None:
    whole = replace(LEAKY, regions=())
    assert torch.equal(
        images(EditStack((Edit(whole, 1.0, hard=True),))), images(EditStack((Edit(LEAKY, 1.0),)))
    )


def test_a_hard_edit_without_a_segmenter_is_refused() -> None:
    with pytest.raises(EclipsedError, match="needs a segmenter"):
        render(GENERATOR, GENERATOR.sample(SEEDS), EditStack((Edit(LEAKY, hard=True),)))


KEEPING = replace(LEAKY, regions=("hair", "hat"), keep=("background", "mouth"))


def test_a_direction_that_keeps_regions_is_bounded_of_itself() -> None:
    before, after = images(EditStack()), images(EditStack((Edit(KEEPING),)))
    kept = torch.maximum(patch_mask("mouth"), patch_mask("ground")).expand_as(after)
    assert torch.equal(after[kept == 1.0], before[kept == 1.0])
    inside = patch_mask("hair").expand_as(after)
    soft = images(EditStack((Edit(LEAKY),)))
    assert torch.equal(after[inside == 1.0], soft[inside == 1.0])
    assert torch.equal(after, images(EditStack((Edit(KEEPING, hard=True),))))


def test_of_the_whole_image_all_but_the_kept_regions_changes() -> None:
    whole = replace(KEEPING, regions=(), keep=("mouth",))
    before, soft = images(EditStack()), images(EditStack((Edit(LEAKY),)))
    after, mouth = images(EditStack((Edit(whole),))), patch_mask("mouth") == 1.0
    assert torch.equal(after[..., mouth], before[..., mouth])
    assert torch.equal(after[..., ~mouth], soft[..., ~mouth])


def test_what_is_kept_may_be_covered_but_not_changed() -> None:
    # The patch is hair before and a hat after, so that neither pixel shows what is kept twice.
    hat = make(patch_vector("hair", stripes=True), regions=("hat",), keep=("hair",))
    after = images(EditStack((Edit(hat),)))
    change = (after - images(EditStack())).abs().amax(dim=(0, 1))
    assert (change[patch_mask("hair") == 1.0] > 0.5).all()


def test_regions_chosen_by_hand_win_over_what_a_card_keeps() -> None:
    by_hand = replace(KEEPING, regions=("hair", "mouth"))
    after, soft = images(EditStack((Edit(by_hand),))), images(EditStack((Edit(LEAKY),)))
    mouth = patch_mask("mouth").expand_as(after) == 1.0
    assert torch.equal(after[mouth], soft[mouth])


def test_a_drawn_mask_does_not_reach_what_is_kept() -> None:
    everywhere = torch.ones(8, 8)
    after = images(EditStack((Edit(KEEPING, hard=True, mask=everywhere),)))
    mouth = patch_mask("mouth").expand_as(after) == 1.0
    assert torch.equal(after[mouth], images(EditStack())[mouth])


def test_what_keeps_regions_needs_a_segmenter() -> None:
    with pytest.raises(EclipsedError, match="needs a segmenter"):
        render(GENERATOR, GENERATOR.sample(SEEDS), EditStack((Edit(KEEPING),)))


def test_a_feathered_mask_is_whole_inside_and_gone_outside() -> None:
    mask = torch.zeros(1, 128, 128)
    mask[:, 40:60, 40:60] = 1.0
    soft = feather(mask)
    assert (soft[:, 38:62, 38:62] == 1.0).all()
    outside = torch.ones(1, 128, 128)
    outside[:, 34:66, 34:66] = 0.0
    assert (soft[outside == 1.0] == 0.0).all()
    line = soft[0, 50, 60:70]
    assert (line[1:] <= line[:-1]).all()
    assert ((line > 0.0) & (line < 1.0)).sum() >= 3
    assert torch.equal(feather(torch.ones(1, 64, 64)), torch.ones(1, 64, 64))


def test_blend_survives_what_is_not_a_number_outside_the_mask() -> None:
    before, after = torch.zeros(1, 3, 4, 4), torch.full((1, 3, 4, 4), torch.nan)
    assert torch.equal(blend(before, after, torch.zeros(1, 4, 4)), before)


def test_a_strip_has_a_row_for_a_latent_and_a_column_for_a_strength() -> None:
    latents = GENERATOR.sample([4, 5], truncation=0.5)
    made = strip(GENERATOR, [HAIR, MOUTH], latents, [-1.0, 0.0, 2.0])
    assert made.shape == (2, 3, 3, 32, 32)
    torch.testing.assert_close(made[:, 1], GENERATOR.synthesize(latents).image)
    stack = EditStack((Edit(HAIR, 2.0), Edit(MOUTH, 2.0)))
    torch.testing.assert_close(made[:, 2], render(GENERATOR, latents, stack))


def test_a_strip_can_be_hard_and_of_some_layers() -> None:
    made = strip(
        GENERATOR,
        [LEAKY],
        GENERATOR.sample([4]),
        [0.0, 1.0],
        layers=(0,),
        hard=True,
        segmenter=FakeSegmenter(),
    )
    change = (made[0, 1] - made[0, 0]).abs().amax(dim=0)
    assert (change[patch_mask("hair") == 1.0] > 0.5).all()
    assert change[patch_mask("mouth") == 1.0].max() == 0.0


def drawn(height: int = 32, width: int = 32) -> Tensor:
    """A mask of the left end of the mouth's patch, which goes on to column 22."""
    mask = torch.zeros(32, 32)
    mask[20:25, 10:14] = 1.0
    return torch.nn.functional.interpolate(mask[None, None], (height, width))[0, 0]


def test_a_drawn_mask_bounds_a_hard_edit_bit_for_bit() -> None:
    before = images(EditStack())
    soft = images(EditStack((Edit(MOUTH, 1.5),)))
    after = images(EditStack((Edit(MOUTH, 1.5, hard=True, mask=drawn()),)))
    reach = feather(drawn()[None])
    whole, gone = (reach >= 1.0).expand_as(after[:, 0]), (reach <= 0.0).expand_as(after[:, 0])
    assert torch.equal(after.movedim(1, -1)[gone], before.movedim(1, -1)[gone])
    assert torch.equal(after.movedim(1, -1)[whole], soft.movedim(1, -1)[whole])
    assert not torch.equal(after, before)
    assert not torch.equal(after, soft), "the right end of the mouth stays as it was"


def test_a_drawn_mask_needs_no_segmenter_and_stands_for_the_regions() -> None:
    elsewhere = replace(MOUTH, regions=("hair",))
    found = images(EditStack((Edit(elsewhere, 1.5, hard=True, mask=drawn()),)))
    assert torch.equal(found, images(EditStack((Edit(MOUTH, 1.5, hard=True, mask=drawn()),))))
    latents = GENERATOR.sample(SEEDS, truncation=1.0)
    alone = render(GENERATOR, latents, EditStack((Edit(MOUTH, 1.5, hard=True, mask=drawn()),)))
    assert torch.equal(alone, found)


@pytest.mark.parametrize("size", [(64, 64), (16, 16), (8, 32)])
def test_a_drawn_mask_has_any_size(size: tuple[int, int]) -> None:
    found = images(EditStack((Edit(MOUTH, 1.5, hard=True, mask=drawn(*size) > 0.5),)))
    change = (found - images(EditStack())).abs().amax(dim=(0, 1))
    assert change[21:24, 11:13].min() > 0.1
    assert change[:, 21:].max() == 0.0


def test_a_drawn_mask_is_a_value() -> None:
    mask = drawn()
    edit = Edit(MOUTH, hard=True, mask=mask)
    assert edit == Edit(MOUTH, hard=True, mask=drawn())
    mask.zero_()
    assert edit == Edit(MOUTH, hard=True, mask=drawn())
    assert edit != Edit(MOUTH, hard=True)
    assert replace(edit, strength=2.0).drawn == edit.drawn


@pytest.mark.parametrize(
    "words",
    [
        {"mask": torch.ones(4, 4)},
        {"hard": True, "mask": torch.ones(4)},
        {"hard": True, "mask": torch.full((4, 4), 2.0)},
    ],
)
def test_a_mask_that_makes_no_sense_is_refused(words: dict[str, Any]) -> None:
    with pytest.raises(BadSetting):
        Edit(MOUTH, **words)


@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("hard", [False, True])
def test_a_region_s_mask_drawn_makes_the_same_image(at: int, hard: bool) -> None:
    edits = [Edit(LEAKY, 0.7), Edit(HAIR, 1.2, hard=True), Edit(MOUTH, -1.0, hard=hard)]
    edits[at] = replace(edits[at], hard=hard)
    latents = GENERATOR.sample([1], truncation=1.0)
    found = region_mask(
        GENERATOR,
        latents,
        EditStack(tuple(edits)),
        at,
        space="w+",
        truncation=1.0,
        segmenter=FakeSegmenter(),
    )
    by_region = EditStack(tuple(edits)).change(at, replace(edits[at], hard=True))
    by_hand = by_region.change(at, replace(edits[at], hard=True, mask=found[0]))
    expected, made = (
        render(GENERATOR, latents, stack, segmenter=FakeSegmenter())
        for stack in (by_region, by_hand)
    )
    assert torch.equal(made, expected)
