from __future__ import annotations

import socket
from typing import Any

import pytest

from eclipsed.app import server
from eclipsed.app.desk import Desk
from eclipsed.app.events import handle
from eclipsed.app.library import Library
from eclipsed.app.rendering import Renderer
from eclipsed.app.screen import view
from eclipsed.app.search import Request, Search
from eclipsed.app.server import Shared


@pytest.fixture
def other(renderer: Renderer, library: Library) -> Desk:
    return Desk(renderer, library, "starter", "cpu")


def test_a_reloaded_page_goes_on_where_it_was(desk: Desk, other: Desk) -> None:
    handle(desk, {"do": "add", "file": "hair.safetensors"})
    handle(desk, {"do": "strength", "at": 0, "to": -0.5})
    handle(desk, {"do": "undo"})
    desks = Shared(desk.renderer, desk.library, "starter", "cpu")
    desks.keep(desk)
    desks.resume(other, desk.token)
    assert (other.settled, other.history) == (True, desk.history)
    assert view(other)["image"] == view(desk)["image"]
    handle(other, {"do": "redo"})
    assert other.session.lines[0].edit.strength == -0.5


def test_a_tab_and_its_duplicate_do_not_disturb_each_other(desk: Desk, other: Desk) -> None:
    handle(desk, {"do": "add", "file": "hair.safetensors"})
    desks = Shared(desk.renderer, desk.library, "starter", "cpu")
    desks.keep(desk)
    desks.resume(other, desk.token)
    assert other.token != desk.token
    handle(other, {"do": "reset"})
    handle(desk, {"do": "seed", "to": 9})
    assert (len(desk.session.lines), desk.session.seed) == (1, 9)
    assert (len(other.session.lines), other.session.seed) == (0, 1)


def test_a_search_outlives_a_reload(
    desk: Desk, other: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.find(Request("bright mouth"))
    assert desk.search is not None
    desk.search.thread.join(60)
    other.go_on_from(desk)
    assert [line["name"] for line in view(other)["lines"]] == ["bright mouth"]
    third = Desk(desk.renderer, desk.library, "starter", "cpu")
    third.go_on_from(other)
    assert len(view(third)["lines"]) == 1, "what was taken in already is not taken in again"
    monkeypatch.setattr(Search, "_check_then_train", lambda search: search._stop.wait(30))
    third.find(Request("bright eyes"))
    other.go_on_from(third)
    assert other.status.running
    assert other.search is not None
    other.search.stop()
    assert third.search is not None
    assert third.search._stop.is_set()


@pytest.mark.parametrize("token", [None, 7, "", "x" * 32, "x" * 10_000, ["x"], {}])
def test_an_unknown_token_is_a_fresh_start(desk: Desk, other: Desk, token: Any) -> None:
    handle(desk, {"do": "seed", "to": 9})
    desks = Shared(desk.renderer, desk.library, "starter", "cpu")
    desks.keep(desk)
    desks.resume(other, token)
    assert (other.settled, other.session.seed) == (True, 1)


def test_the_desks_that_were_used_last_are_kept(renderer: Renderer, library: Library) -> None:
    desks = Shared(renderer, library, "starter", "cpu", most_desks=2)
    several = [Desk(renderer, library, "starter", "cpu") for _ in range(3)]
    for number, desk in enumerate(several):
        handle(desk, {"do": "seed", "to": 10 + number})
    for desk in (several[0], several[1], several[0], several[2]):
        desks.keep(desk)
    seeds = []
    for desk in several:
        fresh = Desk(renderer, library, "starter", "cpu")
        desks.resume(fresh, desk.token)
        seeds.append(fresh.session.seed)
    assert seeds == [10, 1, 12]


def test_a_port_that_is_taken_is_passed_over() -> None:
    first = server.free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first))
        taken.listen()
        assert server.free_port(first) > first


def test_tokens_cannot_be_guessed(renderer: Renderer, library: Library) -> None:
    tokens = {Desk(renderer, library, "starter", "cpu").token for _ in range(50)}
    assert len(tokens) == 50
    assert all(len(token) >= 32 for token in tokens)
