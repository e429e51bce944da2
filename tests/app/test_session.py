from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from eclipsed.app import session as sessions
from eclipsed.app.history import LONGEST, History
from eclipsed.app.library import Library
from eclipsed.app.session import Session
from eclipsed.editing.masks import Mask
from eclipsed.editing.starts import Start
from eclipsed.errors import BadFile, BadSetting, EclipsedError, UnknownName, WrongGenerator
from eclipsed.types import World
from tests.cli.conftest import save_card


def names(session: Session) -> list[str]:
    return [line.direction.name for line in session.lines]


def test_an_added_card_is_last_selected_and_at_one(session: Session) -> None:
    assert names(session) == ["bright hair", "bright eyes"]
    assert session.selected == 1
    assert [line.edit.strength for line in session.lines] == [1.0, 1.0]


def test_a_card_that_is_not_good_at_one_begins_where_it_is(
    session: Session, library: Library, world: World
) -> None:
    save_card(world, library.folder / "mouth.safetensors", "bright mouth", range=(-3.0, 0.5))
    direction = library.direction("mouth.safetensors")
    changed = sessions.add(session, "mouth.safetensors", direction, world.generator)
    assert changed.lines[-1].edit.strength == 0.5


def test_a_card_of_another_generator_is_refused(
    session: Session, library: Library, world: World
) -> None:
    direction = replace(library.direction("hair.safetensors"), generator_fingerprint="0" * 64)
    with pytest.raises(WrongGenerator):
        sessions.add(session, "hair.safetensors", direction, world.generator)


def test_a_stack_is_reordered_and_emptied(session: Session) -> None:
    moved = sessions.move(session, 1, 0)
    assert names(moved) == ["bright eyes", "bright hair"]
    assert moved.selected == 0
    one = sessions.remove(moved, 0)
    assert (names(one), one.selected) == (["bright hair"], 0)
    none = sessions.remove(one, 0)
    assert (names(none), none.selected) == ([], None)
    assert sessions.reset(session) == replace(session, lines=(), selected=None)
    assert names(session) == ["bright hair", "bright eyes"], "a session never changes"


def test_a_line_changes_and_nothing_else(session: Session, world: World) -> None:
    changes: list[tuple[Callable[[Session], Session], Callable[[Session], object], object]] = [
        (lambda s: sessions.set_strength(s, 0, -2.5), lambda s: s.lines[0].edit.strength, -2.5),
        (lambda s: sessions.set_muted(s, 0, True), lambda s: s.lines[0].edit.muted, True),
        (lambda s: sessions.set_hard(s, 0, True), lambda s: s.lines[0].edit.hard, True),
        (
            lambda s: sessions.set_layers(s, 0, [2, 0, 2], world),
            lambda s: s.lines[0].edit.layers,
            (0, 2),
        ),
        (
            lambda s: sessions.set_layers(s, 0, [0, 1, 2, 3], world),
            lambda s: s.lines[0].edit.layers,
            None,
        ),
        (
            lambda s: sessions.set_regions(s, 0, ["eyes", "hair", "eyes"], world),
            lambda s: s.lines[0].bounds,
            ("eyes", "hair"),
        ),
        (
            lambda s: sessions.set_regions(s, 0, ["hair"], world),
            lambda s: s.lines[0].regions,
            None,
        ),
    ]
    for change, read, expected in changes:
        changed = change(session)
        assert read(changed) == expected
        assert changed.lines[1] == session.lines[1]
        assert changed.selected == 0


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda s, w: sessions.set_seed(s, -1), BadSetting),
        (lambda s, w: sessions.set_seed(s, 2**32), BadSetting),
        (lambda s, w: sessions.set_truncation(s, 2.1), BadSetting),
        (lambda s, w: sessions.set_truncation(s, float("nan")), BadSetting),
        (lambda s, w: sessions.set_strength(s, 0, float("inf")), BadSetting),
        (lambda s, w: sessions.set_strength(s, 0, 1e6), BadSetting),
        (lambda s, w: sessions.set_strength(s, 2, 1.0), UnknownName),
        (lambda s, w: sessions.set_layers(s, 0, [], w), BadSetting),
        (lambda s, w: sessions.set_layers(s, 0, [4], w), UnknownName),
        (lambda s, w: sessions.set_layers(s, 0, [-1, 2], w), UnknownName),
        (lambda s, w: sessions.set_regions(s, 0, ["nose"], w), UnknownName),
        (lambda s, w: sessions.move(s, 0, 2), UnknownName),
        (lambda s, w: sessions.remove(s, -1), UnknownName),
        (lambda s, w: sessions.select(s, 2), UnknownName),
        (lambda s, w: sessions.set_compare(s, "sideways"), UnknownName),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    session: Session, world: World, change: Callable[..., Session], error: type[EclipsedError]
) -> None:
    with pytest.raises(error) as refusal:
        change(session, world)
    assert str(refusal.value).strip().endswith(".")


def test_a_full_stack_takes_no_more(session: Session, world: World, library: Library) -> None:
    full = replace(session, lines=(session.lines[0],) * sessions.MOST_LINES)
    with pytest.raises(BadSetting, match="at most"):
        sessions.add(full, "x", library.direction("hair.safetensors"), world.generator)


def test_seeds_go_round(session: Session) -> None:
    last = sessions.set_seed(session, sessions.LAST_SEED)
    assert sessions.step_seed(last, 1).seed == 0
    assert sessions.step_seed(sessions.set_seed(session, 0), -1).seed == sessions.LAST_SEED


def test_a_drag_is_undone_at_once(session: Session) -> None:
    history = History(session)
    for strength in (0.1, 0.2, 0.3):
        moved = sessions.set_strength(history.now, 0, strength)
        history = history.do(moved, merging="strength 0")
    assert len(history.past) == 1
    history = history.do(sessions.set_strength(history.now, 1, 0.3), merging="strength 1")
    assert len(history.past) == 2
    assert history.undo().undo().now.lines[0].edit.strength == 1.0


def test_two_drags_are_undone_one_by_one(session: Session) -> None:
    history = History(session).do(sessions.set_strength(session, 0, 0.1), "strength 0").settle()
    history = history.do(sessions.set_strength(history.now, 0, 0.2), "strength 0")
    assert history.undo().now.lines[0].edit.strength == 0.1


def test_looking_differently_is_no_change_to_undo(session: Session) -> None:
    history = History(session).do(sessions.set_compare(session, "split"))
    history = history.do(sessions.select(history.now, 0))
    assert history.past == ()
    assert (history.now.compare, history.now.selected) == ("split", 0)
    changed = history.do(sessions.step_seed(history.now, 1))
    looked = changed.do(sessions.set_compare(changed.now, "difference"))
    assert looked.undo().now.compare == "difference"


def test_a_change_after_undo_forgets_what_was_undone(session: Session) -> None:
    history = History(session).do(sessions.step_seed(session, 1)).undo()
    assert history.redo().now.seed == session.seed + 1
    other = history.do(sessions.set_seed(history.now, 77))
    assert other.redo() is other


def test_the_past_does_not_grow_for_ever(session: Session) -> None:
    history = History(session)
    for _ in range(LONGEST + 10):
        history = history.do(sessions.step_seed(history.now, 1))
    assert len(history.past) == LONGEST


def test_a_drawn_mask_makes_a_line_hard(session: Session) -> None:
    mask = Mask.of(torch.eye(32))
    changed = sessions.set_mask(session, 0, mask)
    assert (changed.lines[0].edit.mask, changed.lines[0].edit.hard) == (mask, True)
    assert changed.lines[0].key() != sessions.set_hard(session, 0, True).lines[0].key()
    assert (
        changed.lines[0].key()
        != sessions.set_mask(changed, 0, Mask.of(torch.ones(2, 2))).lines[0].key()
    )
    assert sessions.set_mask(changed, 0, None) == sessions.set_hard(session, 0, True)
    assert sessions.set_hard(changed, 0, False) == sessions.select(session, 0)
    history = History(session).do(changed)
    assert history.past == (session,)
    assert history.undo().redo().now.lines[0].edit.mask == mask


def test_a_mask_that_no_picture_can_keep_is_refused(session: Session) -> None:
    noise = torch.rand(600, 600, generator=torch.Generator().manual_seed(0))
    with pytest.raises(BadSetting, match="too much detail"):
        sessions.set_mask(session, 0, Mask.of(noise))


def test_a_latent_stands_for_the_seed_until_the_next_one(session: Session, world: World) -> None:
    start = Start.of("w.npy", "w+", world.generator.sample([9]))
    turned = sessions.set_truncation(session, 0.3)
    changed = sessions.set_start(turned, start, world)
    assert (changed.start, changed.truncation) == (start, world.truncation)
    assert (changed.image_name, session.image_name) == ("latent w.npy", "seed 5")
    assert (changed.image_words, session.image_words) == ("a latent", "seed 5")
    assert changed.image_key != session.image_key
    assert not changed.same_picture(turned)
    with pytest.raises(BadSetting, match="not truncated"):
        sessions.set_truncation(changed, 0.5)
    following = sessions.step_seed(changed, 1)
    assert (following.start, following.seed) == (None, 6)
    assert sessions.set_seed(changed, 5).start is None


@pytest.mark.parametrize("size", [3, 20_000])
def test_a_latent_that_does_not_fit_is_refused(session: Session, world: World, size: int) -> None:
    with pytest.raises(BadFile, match="no latent of"):
        sessions.set_start(session, Start.of("w.npy", "w+", torch.zeros(1, size)), world)


@given(st.lists(st.sampled_from(["seed", "truncation", "undo", "redo"])))
def test_undoing_everything_leads_back_and_redoing_forth(changes: list[str]) -> None:
    start = Session("starter", Path("library"))
    history = History(start)
    for number, change in enumerate(changes):
        now = history.now
        if change == "undo":
            history = history.undo()
        elif change == "redo":
            history = history.redo()
        elif change == "seed":
            history = history.do(sessions.step_seed(now, 1))
        else:
            history = history.do(sessions.set_truncation(now, number % 20 / 10))
    end = history
    while history.past:
        history = history.undo()
    assert history.now == start
    while history.future:
        history = history.redo()
    last = end
    while last.future:
        last = last.redo()
    assert history.now == last.now
