from __future__ import annotations

import base64
import io
import json
import re
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageSequence, ImageStat
from safetensors.torch import save

from eclipsed.app import downloads, screen, search
from eclipsed.app import session as sessions
from eclipsed.app.code_export import files_of
from eclipsed.app.desk import Desk
from eclipsed.app.events import handle, handle_all
from eclipsed.app.library import Library
from eclipsed.app.rendering import FRAMES, Renderer
from eclipsed.app.screen import view
from eclipsed.app.search import Request
from eclipsed.app.sheets import SWEPT
from eclipsed.directions import Direction
from eclipsed.editing.images import load_png, save_png
from eclipsed.editing.masks import Mask
from eclipsed.editing.starts import Start
from eclipsed.errors import EclipsedError
from eclipsed.prompts.goals import LONGEST_PROMPT
from eclipsed.search.preflight import Preflight
from eclipsed.types import World
from tests.app.hostile import HOSTILE


def do(desk: Desk, what: str, **words: Any) -> None:
    handle(desk, {"do": what, **words})


@pytest.fixture
def filled(desk: Desk) -> Desk:
    do(desk, "add", file="hair.safetensors")
    do(desk, "add", file="eyes.safetensors")
    return desk


def picture(data: bytes) -> bytes:
    return Image.open(io.BytesIO(data)).convert("RGB").tobytes()


def test_a_view_is_json_and_has_an_image(filled: Desk) -> None:
    shown = json.loads(json.dumps(view(filled), allow_nan=False))
    kind, _, data = shown["image"].partition(",")
    assert kind == "data:image/png;base64"
    expected = filled.renderer.shot(filled.session).png
    assert base64.b64decode(data) == expected
    assert shown["before"] != shown["image"]
    assert [line["name"] for line in shown["lines"]] == ["bright hair", "bright eyes"]
    assert shown["lines"][1]["low"] == -1.5
    assert shown["lines"][0]["touched"] == [0]
    assert shown["milliseconds"] > 0.0
    assert {offer["file"] for offer in shown["offers"]} == {"hair.safetensors", "eyes.safetensors"}


def test_frames_are_those_of_the_selected_line(filled: Desk) -> None:
    keys = [line["frames_key"] for line in view(filled)["lines"]]
    for at, ends in enumerate(((-2.0, 2.0), (-1.5, 3.0))):
        frames = screen.frames(filled, at, 0, 3)
        assert frames is not None
        assert (frames["key"], frames["of"]) == (keys[at], FRAMES)
        assert (*frames["strengths"],) == (*ends, sum(ends) / 2)
        assert len(set(frames["pictures"])) == 3
    assert screen.frames(filled, 2, 0, 3) is None


def test_a_view_waits_for_frames_only_when_asked(filled: Desk) -> None:
    assert view(filled)["frames"] is None
    do(filled, "frames", at=1, **{"from": 2, "count": 4})
    assert view(filled)["frames"] == screen.frames(filled, 1, 2, 4)
    assert view(filled)["frames"] is None
    first, second = (line["frames_key"] for line in view(filled)["lines"])
    do(filled, "strength", at=1, to=0.5)
    assert view(filled)["lines"][1]["frames_key"] == second
    assert view(filled)["lines"][0]["frames_key"] != first


def test_pictures_of_cards_are_drawn_one_at_a_time(desk: Desk) -> None:
    for left in (2, 1, 0):
        shown = view(desk)
        assert shown["sketching"] == left
        assert sum(not offer["picture"] for offer in shown["offers"]) == left
        do(desk, "look")


def test_a_picture_is_handed_out_under_a_new_number(filled: Desk) -> None:
    assert view(filled)["download"] is None
    for number in (1, 2):
        do(filled, "save", times=1)
        download = view(filled)["download"]
        assert (download["number"], download["name"][-4:]) == (number, ".png")
    assert (
        base64.b64decode(download["data"].partition(",")[2])
        == downloads.picture(filled.renderer, filled.session).data
    )


def test_events_are_heard_once_and_in_order(desk: Desk) -> None:
    first = {"id": 1, "do": "next", "by": 1}
    handle_all(desk, [first])
    handle_all(desk, [first, {"id": 2, "do": "next", "by": 1}])
    assert desk.session.seed == 3
    assert view(desk)["heard"] == 2
    handle_all(desk, [first, {"id": 2, "do": "next", "by": 1}])
    assert desk.session.seed == 3


def test_a_drag_is_one_change(filled: Desk) -> None:
    for to in (0.2, 0.4, 0.6):
        do(filled, "strength", at=0, to=to, dragging=True)
    do(filled, "strength", at=0, to=0.7)
    do(filled, "undo")
    assert filled.session.lines[0].edit.strength == 1.0
    do(filled, "redo")
    assert filled.session.lines[0].edit.strength == 0.7
    for to in (0.8, 0.9):
        do(filled, "strength", at=0, to=to)
    do(filled, "undo")
    assert filled.session.lines[0].edit.strength == 0.8


@pytest.mark.parametrize("what", ["strength", "truncation"])
def test_a_change_that_ends_where_it_began_is_no_step(filled: Desk, what: str) -> None:
    words: dict[str, Any] = {"at": 0, "dragging": True} if what == "strength" else {}
    before = filled.history.past
    began = 1.0 if what == "strength" else filled.session.truncation
    for to in (0.2, 0.4, began):
        do(filled, what, to=to, **words)
    assert filled.history.past == before
    for to in (0.3, 0.6):
        do(filled, what, to=to, **words)
    assert len(filled.history.past) == len(before) + 1
    do(filled, "undo")
    assert filled.history.past == before


def test_twenty_five_actions_and_a_saved_picture(filled: Desk, library: Library) -> None:
    do(filled, "strength", at=0, to=-1.25)
    do(filled, "layers", at=0, to=[0, 1])
    do(filled, "hard", at=1, to=True)
    do(filled, "regions", at=1, to=["eyes", "hair"])
    do(filled, "mute", at=1, to=True)
    do(filled, "move", at=0, to=1)
    do(filled, "seed", to=77)
    do(filled, "truncation", to=0.9)
    do(filled, "add", file="hair.safetensors")
    do(filled, "remove", at=2)
    for _ in range(5):
        do(filled, "undo")
    for _ in range(5):
        do(filled, "redo")
    do(filled, "mute", at=0, to=False)
    assert filled.notice is None
    file = downloads.picture(filled.renderer, filled.session)
    name, data = file.name, file.data
    assert name == "seed-77-bright-eyes-bright-hair.png"
    before, lines = filled.renderer.shot(filled.session).png, filled.session.lines
    other = Desk(Renderer(filled.renderer.world), Library(library.folder), "starter", "cpu")
    other.drop(data, name)
    assert other.notice is not None
    assert not other.notice.bad
    assert other.renderer.shot(other.session).png == before
    assert picture(downloads.picture(other.renderer, other.session).data) == picture(data)
    assert [line.key() for line in other.session.lines] == [line.key() for line in lines]


@pytest.mark.parametrize("times", downloads.TIMES)
def test_a_larger_picture_comes_back_as_well(filled: Desk, times: int) -> None:
    do(filled, "save", times=times)
    size = times * filled.world.generator.resolution
    assert filled.notice is not None
    assert f"{size}×{size} pixels" in filled.notice.text
    assert filled.download is not None
    data, lines = filled.download.data, filled.session.lines
    do(filled, "reset")
    filled.drop(data, "x.png")
    assert filled.session.lines == lines
    do(filled, "save", times=3)
    assert filled.notice.bad


@pytest.mark.parametrize("saved", ["strip", "webp"])
def test_a_strip_and_a_webp_come_back(filled: Desk, saved: str) -> None:
    do(filled, **({"what": "strip"} if saved == "strip" else {"what": "animation", "kind": saved}))
    assert filled.download is not None
    assert "Drop it" in str(filled.notice)
    file, lines = filled.download, filled.session.lines
    do(filled, "reset")
    filled.drop(file.data, file.name)
    assert filled.session.lines == lines


@pytest.mark.parametrize("form", ["GIF", "MP4"])
def test_a_film_gets_a_true_sentence(desk: Desk, form: str) -> None:
    buffer = io.BytesIO()
    if form == "MP4":
        buffer.write(b"\0\0\0\x18ftypisom" + b"\0" * 40)
    else:
        Image.new("RGB", (64, 48)).save(buffer, form)
    desk.drop(buffer.getvalue(), "me")
    assert desk.notice is not None
    assert desk.notice.bad
    assert "an animation of a kind that holds no recipe" in desk.notice.text


def test_a_dropped_file_can_be_undone(filled: Desk) -> None:
    data = downloads.picture(filled.renderer, filled.session).data
    do(filled, "reset")
    do(filled, "file", name="x.png", data=base64.b64encode(data).decode())
    assert len(filled.session.lines) == 2
    do(filled, "undo")
    assert filled.session.lines == ()


def test_a_dropped_card_lands_in_library_and_stack(desk: Desk, library: Library) -> None:
    _, data = library.export("hair.safetensors")
    library.delete("hair.safetensors")
    desk.drop(data, "hair.safetensors")
    assert [line.direction.name for line in desk.session.lines] == ["bright hair"]
    assert len(library.entries()) == 2


def huge() -> bytes:
    buffer = io.BytesIO()
    Image.new("1", (12_000, 12_000)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [b"", b"hello", huge(), b"\x89PNG\r\n\x1a\n" + b"\0" * 50, b"\x80\x04K\x01."],
    ids=["empty", "text", "huge", "damaged", "pickle"],
)
def test_a_file_that_is_of_no_use_is_one_sentence(filled: Desk, data: bytes) -> None:
    before = filled.session
    filled.drop(data, "<img src=x onerror=alert(1)>.png")
    assert filled.notice is not None
    assert filled.notice.bad
    assert "onerror" in filled.notice.text
    assert "/tmp" not in filled.notice.text
    assert filled.session is before
    assert view(filled)["image"]


def test_a_recipe_that_lies_is_one_sentence(desk: Desk, tmp_path: Path) -> None:
    save_png(Image.new("RGB", (8, 8)), tmp_path / "x.png", {"seeds": "all of them"})
    desk.drop((tmp_path / "x.png").read_bytes(), "x.png")
    assert desk.notice is not None
    assert desk.notice.bad


def test_a_saved_picture_holds_its_recipe(filled: Desk, tmp_path: Path) -> None:
    data = downloads.picture(filled.renderer, filled.session).data
    (tmp_path / "x.png").write_bytes(data)
    _, recipe = load_png(tmp_path / "x.png")
    assert recipe is not None
    assert [edit["name"] for edit in recipe["edits"]] == ["bright hair", "bright eyes"]
    assert str(tmp_path) not in json.dumps(recipe)


def test_a_strip_is_a_picture(filled: Desk) -> None:
    file = downloads.strip(filled.renderer, filled.session)
    name, data = file.name, file.data
    assert name == "bright-eyes-strip.png"
    assert Image.open(io.BytesIO(data)).width > 500
    do(filled, "reset")
    do(filled, "strip")
    assert view(filled)["download"] is None
    assert view(filled)["notice"]["text"].startswith("No edit is selected.")


def as_text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_a_mask_is_drawn_edited_and_dropped(filled: Desk) -> None:
    do(filled, "brush", at=1)
    shown = json.loads(json.dumps(view(filled)))
    assert shown["brush"]["at"] == 1
    begun = Mask.read(base64.b64decode(shown["brush"]["mask"].partition(",")[2]))
    assert any(begun.greys)
    assert view(filled)["brush"] is None, "it is told once"
    mask = Mask.of(torch.eye(32))
    do(filled, "mask", at=1, to=as_text(mask.png()))
    assert filled.session.lines[1].edit.mask == mask
    line = view(filled)["lines"][1]
    assert (line["drawn"], line["hard"]) == (True, True)
    do(filled, "compare", to="outside")
    assert view(filled)["inside"] == ["hair", "the drawn mask"]
    assert list(files_of(filled.session)) == [f"mask-{mask.digest[:8]}.png"]
    do(filled, "mask", at=1, to=None)
    assert not view(filled)["lines"][1]["drawn"]
    do(filled, "undo")
    assert filled.session.lines[1].edit.mask == mask
    do(filled, "undo")
    assert not filled.session.lines[1].edit.hard


@pytest.mark.parametrize("drawn", ["", "?", as_text(b"x"), as_text(b"\x89PNG\r\n\x1a\n")])
def test_a_mask_that_is_none_is_one_sentence(filled: Desk, drawn: str) -> None:
    before = filled.session
    do(filled, "mask", at=0, to=drawn)
    assert filled.session is before
    assert filled.notice is not None
    assert filled.notice.bad


def latent_file(desk: Desk, ending: str) -> bytes:
    latent = desk.renderer.world.generator.sample([77])
    return Start.of("x", "w+", latent).npy() if ending == "npy" else save({"w": latent})


@pytest.mark.parametrize("ending", ["npy", "safetensors"])
def test_a_dropped_latent_is_the_image_until_the_next_seed(filled: Desk, ending: str) -> None:
    filled.drop(latent_file(filled, ending), f"<b>face</b>.{ending}")
    assert filled.notice is not None
    assert not filled.notice.bad
    shown = view(filled)
    assert shown["latent"] == f"<b>face</b>.{ending}"
    assert len(shown["lines"]) == 2
    file = downloads.picture(filled.renderer, filled.session)
    name, data = file.name, file.data
    assert name.endswith(".png")
    assert downloads.strip(filled.renderer, filled.session).data
    other = Desk(filled.renderer, filled.library, "starter", "cpu")
    other.drop(data, name)
    assert view(other)["image"] == shown["image"]
    assert view(other)["latent"] == shown["latent"]
    do(other, "next", by=1)
    assert (view(other)["latent"], other.session.seed) == ("", 2)
    do(other, "undo")
    assert view(other)["image"] == shown["image"]


def test_a_latent_of_no_use_is_one_sentence(filled: Desk) -> None:
    before = filled.session
    for data in (Start.of("x", "z", torch.zeros(1, 7)).npy(), b"\x93NUMPY", save({})):
        filled.drop(data, "bad.npy")
        assert filled.notice is not None
        assert filled.notice.bad
        assert "'bad.npy'" in filled.notice.text
        assert "/tmp" not in filled.notice.text
    assert filled.session is before


@pytest.mark.parametrize("kind", ["webp", "gif"])
def test_the_selected_line_moves_from_end_to_end_and_back(filled: Desk, kind: str) -> None:
    do(filled, "animation", kind=kind)
    download = view(filled)["download"]
    assert download["name"] == f"bright-eyes.{kind}"
    head, _, data = download["data"].partition(",")
    assert head == f"data:image/{kind};base64"
    moving = Image.open(io.BytesIO(base64.b64decode(data)))
    assert moving.format == kind.upper()
    assert SWEPT < moving.n_frames <= 2 * SWEPT - 2, "equal pictures become one"
    frames = [frame.convert("RGB") for frame in ImageSequence.Iterator(moving)]
    for strength, nearest in ((-1.5, frames[:1]), (3.0, frames)):
        exact = filled.renderer.shot(sessions.set_strength(filled.session, 1, strength)).png
        expected = Image.open(io.BytesIO(exact)).convert("RGB")
        away = [ImageStat.Stat(ImageChops.difference(one, expected)).mean for one in nearest]
        assert min(map(max, away)) < 12.0  # the loss of the file's kind


def test_an_animation_that_cannot_be_is_one_sentence(
    filled: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    do(filled, "animation", kind="tiff")
    assert filled.notice is not None
    assert "no animation 'tiff'" in filled.notice.text
    monkeypatch.setitem(sys.modules, "av", None)
    do(filled, "animation", kind="mp4")
    assert filled.notice is not None
    assert "PyAV" in filled.notice.text
    do(filled, "reset")
    do(filled, "animation", kind="webp")
    assert view(filled)["download"] is None


WRONG = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
VERB_NAMES = [
    "add", "strength", "layers", "regions", "undo", "redo", "file", "seed", "next", "truncation",
    "remove", "move", "mute", "hard", "reset", "select", "compare", "stop", "go on", "nonsense",
    "look", "frames", "save", "strip", "dismiss", "brush", "mask", "animation", "save photo",
    "choose", "choose again", "enough", "leave", "near", "mixed",
]  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(VERB_NAMES),
    st.dictionaries(
        st.sampled_from(
            ["at", "to", "by", "file", "data", "name", "dragging", "kind", "box", "face"]
        ),
        WRONG,
    ),
)
def test_no_event_of_a_browser_breaks_anything(
    filled: Desk, what: str, words: dict[str, Any]
) -> None:
    handle_all(filled, [{"id": view(filled)["heard"] + 1, "do": what, **words}])
    json.dumps(view(filled), allow_nan=False)


@pytest.mark.parametrize("events", [None, "x", [None], [{}], [{"id": "1"}], [{"id": 1}], [[1]]])
def test_events_of_no_shape_are_ignored(desk: Desk, events: object) -> None:
    handle_all(desk, events)
    assert desk.session.seed == 1


def test_what_is_refused_is_said_and_forgotten_at_the_next_event(filled: Desk) -> None:
    do(filled, "seed", to=-1)
    shown = view(filled)
    assert shown["notice"] == {"text": "-1 is not a seed. Seeds are 0 to 4294967295.", "bad": True}
    do(filled, "next", by=1)
    assert view(filled)["notice"] is None


def test_two_desks_do_not_disturb_each_other(renderer: Renderer, library: Library) -> None:
    one, two = (Desk(renderer, library, "starter", "cpu") for _ in range(2))
    do(one, "add", file="hair.safetensors")
    do(two, "seed", to=9)
    assert (one.session.seed, two.session.lines) == (1, ())


# --- the library ---------------------------------------------------------------------------------


def test_a_card_in_the_stack_is_not_deleted(filled: Desk, library: Library) -> None:
    filled.delete("hair.safetensors")
    assert filled.notice is not None
    assert filled.notice.bad
    assert len(library.entries()) == 2


def test_a_deleted_card_comes_back(desk: Desk, library: Library) -> None:
    desk.delete("hair.safetensors")
    assert desk.deleted == "bright hair"
    assert len(library.entries()) == 1
    desk.undelete()
    assert desk.deleted is None
    assert len(library.entries()) == 2


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_shown_as_they_are(desk: Desk, library: Library, name: str) -> None:
    desk.attempt(lambda: library.rename("hair.safetensors", name), "Renamed.")
    shown = {offer["name"] for offer in view(desk)["offers"]}
    entry = library.entry("hair.safetensors")
    assert entry.name in shown
    assert entry.name in (" ".join(name.split()), "bright hair")


# --- searching -----------------------------------------------------------------------------------


def wait(desk: Desk) -> None:
    assert desk.search is not None
    desk.search.thread.join(60)


def test_a_prompt_becomes_a_card_in_the_stack(desk: Desk, library: Library) -> None:
    do(desk, "find", prompt=" bright mouth ")
    wait(desk)
    status = desk.status
    assert (status.stage, status.error) == ("done", "")
    assert status.look is not None
    assert status.look.preflight.goal.regions == ("mouth",)
    assert len(status.snapshots) >= 3
    shown = view(desk)
    assert [line["name"] for line in shown["lines"]] == ["bright mouth"]
    assert shown["search"]["steps"] == shown["search"]["step"] > 0
    assert library.entry(status.file).direction is not None
    judged = library.direction(status.file).verdict
    assert judged["sentence"]
    assert shown["search"]["judged"] == {name: judged[name] for name in ("kind", "sentence")}
    assert len(view(desk)["lines"]) == 1, "it is put there once"


def test_a_draft_can_be_used_until_the_trained_direction_takes_its_place(
    desk: Desk, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures, train = [], search.train_directions

    def train_later(*arguments: Any, **options: Any) -> list[Direction]:
        shown = view(desk)  # as the page does while it trains
        assert [line["draft"] for line in shown["lines"]] == [True]
        assert shown["search"]["draft"]
        do(desk, "strength", at=0, to=0.5)
        do(desk, "save", times=1)
        assert desk.download is not None
        pictures.append(desk.download)
        return train(*arguments, **options)

    monkeypatch.setattr(search, "train_directions", train_later)
    do(desk, "find", prompt="bright mouth")
    wait(desk)
    shown = view(desk)
    (line,) = shown["lines"]
    assert (line["draft"], line["strength"], shown["search"]["draft"]) == (False, 0.5, False)
    assert library.direction(line["file"]).method == "default"
    do(desk, "undo")
    assert not view(desk)["lines"][0]["draft"], "the draft is gone from what can be undone"

    desk.drop(pictures[0].data, pictures[0].name)
    (restored,) = desk.session.lines
    assert restored.direction.config["draft"] is True, "what was saved with it can be opened"
    assert {entry.file for entry in library.entries()} >= {line["file"], restored.file}


def test_what_a_search_led_to_is_used_at_once_when_asked_for_again(
    desk: Desk, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    do(desk, "find", prompt="bright mouth")
    wait(desk)
    first = desk.status
    view(desk)
    monkeypatch.setattr(search, "train_directions", None)
    do(desk, "find", prompt="bright mouth")
    wait(desk)
    again = desk.status
    assert (again.stage, again.file, again.verdict) == ("done", first.file, first.verdict)
    assert [line["file"] for line in view(desk)["lines"]] == [first.file, first.file]
    library.update(first.file, replace(library.direction(first.file), verdict={}))
    do(desk, "find", prompt="bright mouth")
    wait(desk)
    assert desk.status.stage == "failed", "what was never scored is trained again"


def test_a_draft_that_is_deleted_meanwhile_does_not_stop_the_search(
    desk: Desk, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = search.train_directions

    def train_after_deleting(*arguments: Any, **options: Any) -> list[Direction]:
        library.delete(desk.status.file)
        return train(*arguments, **options)

    monkeypatch.setattr(search, "train_directions", train_after_deleting)
    do(desk, "find", prompt="bright mouth")
    wait(desk)
    assert desk.status.stage == "done"
    assert library.direction(desk.status.file).method == "default"


def test_a_direction_that_is_turned_round_while_it_is_in_use_is_turned_there(
    desk: Desk, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def turned(_: World, direction: Direction, *, seeds: object) -> Direction:
        desk.collect()  # as the page does while it is scored
        return replace(direction.turned(), config={**direction.config, "turned": True})

    monkeypatch.setattr(search, "scored", turned)
    desk.find(Request("bright mouth", steps=2))
    wait(desk)
    (before,) = desk.session.lines
    desk.collect()
    (line,) = desk.session.lines
    assert torch.equal(line.direction.vector, -before.direction.vector)
    assert torch.equal(line.direction.vector, library.direction(line.file).vector)
    assert (line.file, line.edit.strength) == (before.file, before.edit.strength)


def test_what_is_learned_is_shown_on_the_image_with_its_edits(filled: Desk) -> None:
    filled.find(filled.request("bright mouth", steps=2))
    wait(filled)
    shown = filled.status.snapshots[0]
    plain = filled.renderer.before(filled.session).png
    edited = filled.renderer.shot(filled.session).png
    away = [difference(shown, other) for other in (edited, plain)]
    assert away[0] < away[1]


def test_what_is_learned_is_shown_on_a_latent(filled: Desk) -> None:
    filled.drop(latent_file(filled, "npy"), "face.npy")
    do(filled, "reset")
    filled.find(filled.request("bright mouth", steps=2))
    wait(filled)
    shown = filled.status.snapshots[0]
    do(filled, "reset")
    latent = filled.renderer.before(filled.session).png
    do(filled, "seed", to=filled.session.seed)
    seed = filled.renderer.before(filled.session).png
    assert difference(shown, latent) < difference(shown, seed)


def difference(one: bytes, other: bytes) -> float:
    """The mean difference of two pictures' pixels."""
    first, second = (Image.open(io.BytesIO(data)).convert("RGB") for data in (one, other))
    return max(ImageStat.Stat(ImageChops.difference(first, second)).mean)


def test_a_search_that_was_stopped_keeps_what_it_learned(
    desk: Desk, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    say = search.Search._say

    def stop_soon(search: search.Search, **changes: Any) -> None:
        say(search, **changes)
        if "state" in changes and changes["state"].step == 2:
            search.stop()

    monkeypatch.setattr(search.Search, "_say", stop_soon)
    do(desk, "find", prompt="bright mouth")
    wait(desk)
    assert desk.status.stage == "stopped"
    assert desk.status.state is not None
    assert desk.status.state.step == 2
    assert library.direction(desk.status.file).config["interrupted"] is True
    assert len(view(desk)["lines"]) == 1


def unlikely(monkeypatch: pytest.MonkeyPatch) -> None:
    check = search.preflight.check

    def pessimist(*arguments: Any) -> Preflight:
        return replace(check(*arguments), verdict="unlikely", instead=("bright hair",))

    monkeypatch.setattr(search.preflight, "check", pessimist)


def test_what_is_unlikely_is_asked_about_first(
    desk: Desk, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlikely(monkeypatch)
    do(desk, "find", prompt="bright mouth")
    wait(desk)
    assert desk.status.stage == "asking"
    assert not desk.status.running
    assert view(desk)["search"]["instead"] == ["bright hair"]
    do(desk, "go on")
    wait(desk)
    assert desk.status.stage == "done"
    assert len(library.entries()) == 3


def test_what_is_unlikely_can_be_left(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    unlikely(monkeypatch)
    do(desk, "find", prompt="bright mouth")
    wait(desk)
    do(desk, "stop")
    assert desk.status.stage == "stopped"
    assert view(desk)["lines"] == []


def test_one_search_at_a_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search.Search, "_check_then_train", lambda search: search._stop.wait(30))
    do(desk, "find", prompt="bright mouth")
    do(desk, "find", prompt="bright eyes")
    assert desk.notice is not None
    assert desk.notice.bad
    do(desk, "stop")
    wait(desk)


def test_what_goes_wrong_in_the_background_is_said(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def burst(*arguments: object) -> None:
        raise RuntimeError("no room\nat all")

    monkeypatch.setattr(search.preflight, "check", burst)
    do(desk, "find", prompt="bright mouth")
    wait(desk)
    shown = view(desk)["search"]
    assert shown["stage"] == "failed"
    assert shown["error"] == "Something unexpected went wrong (RuntimeError: no room)."


def test_an_image_can_be_drawn_while_a_search_runs(desk: Desk) -> None:
    do(desk, "find", prompt="bright mouth")
    while desk.status.running:
        do(desk, "next", by=1)
        assert view(desk)["image"]
        time.sleep(0.01)
    assert desk.status.stage == "done"


@pytest.mark.parametrize("prompt", ["", "  ", "x" * (LONGEST_PROMPT + 1), "a\x00b", "a\u202eb"])
def test_a_prompt_that_says_nothing_is_refused(desk: Desk, prompt: str) -> None:
    with pytest.raises(EclipsedError):
        Request(prompt)
    do(desk, "find", prompt=prompt)
    assert desk.notice is not None
    assert desk.search is None


def test_the_field_takes_as_much_as_a_prompt_may_have() -> None:
    page = (Path(screen.__file__).parent / "editor" / "editor.html").read_text()
    assert re.findall(r'maxlength="(\d+)"', page) == [str(LONGEST_PROMPT)]


def test_a_region_can_be_said(desk: Desk, world: World) -> None:
    desk.find(Request("bright mouth", regions=("eyes",), steps=2))
    wait(desk)
    assert desk.session.lines == ()
    desk.collect()
    assert desk.session.lines[0].direction.regions == ("eyes",)


def test_prompts_to_click_are_of_all_kinds_and_have_no_card_yet(
    renderer: Renderer, library: Library
) -> None:
    prompts = tuple(f"prompt {number}" for number in range(40))
    world = replace(renderer.world, example_prompts=("bright hair", *prompts))
    desk = Desk(Renderer(world), library, "starter", "cpu")
    shown = view(desk)["prompts"]
    assert len(shown) == len(set(shown)) == 8
    assert "bright hair" not in shown
    assert {prompts.index(prompt) // 10 for prompt in shown} == {0, 1, 2, 3}
    assert view(Desk(renderer, library, "starter", "cpu"))["prompts"] == []
