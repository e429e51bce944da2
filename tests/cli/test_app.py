from __future__ import annotations

import socket
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from eclipsed.app import server
from eclipsed.types import World
from tests.cli.conftest import Run


def test_without_streamlit_it_says_what_to_install(
    eclipsed: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "streamlit", None)
    monkeypatch.setitem(sys.modules, "streamlit.components", None)
    monkeypatch.setitem(sys.modules, "streamlit.components.v2", None)
    ran = eclipsed("app")
    assert ran.code == 1
    assert ran.err == (
        "eclipsed: The editor needs Streamlit, which is not installed. "
        f"Install it: {sys.executable} -m pip install 'streamlit>=1.67'\n"
    )


def test_a_streamlit_that_is_too_old_is_none(
    eclipsed: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "streamlit", ModuleType("streamlit"))
    monkeypatch.setitem(sys.modules, "streamlit.components", ModuleType("streamlit.components"))
    monkeypatch.delitem(sys.modules, "streamlit.components.v2", raising=False)
    assert eclipsed("app").code == 1


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a Streamlit that only takes notes was asked to do."""
    notes: dict[str, Any] = {}
    bootstrap = SimpleNamespace(
        load_config_options=lambda flag_options: notes.update(options=flag_options),
        run=lambda script, hello, words, flags: notes.update(script=script, flags=flags),
    )
    monkeypatch.setattr("eclipsed.cli.app._streamlit", lambda: bootstrap)
    return notes


def test_it_serves_this_machine_alone(
    eclipsed: Run, started: dict[str, Any], tmp_path: Path
) -> None:
    ran = eclipsed("app", "--library", str(tmp_path / "mine"), "--port", "8777", "--no-browser")
    assert ran.code == 0, ran.err
    assert Path(started["script"]).is_file()
    options = started["options"]
    assert options["server_address"] == "127.0.0.1"
    assert options["server_enableXsrfProtection"] is True
    assert options["server_enableCORS"] is True
    assert options["browser_gatherUsageStats"] is False
    assert options["server_port"] == 8777
    assert options["server_headless"] is True
    assert server.shared().library.folder == tmp_path / "mine"
    assert not (tmp_path / "mine").exists()


def test_a_browser_is_opened_unless_told_otherwise(eclipsed: Run, started: dict[str, Any]) -> None:
    ran = eclipsed("app")
    assert ran.code == 0
    assert started["options"]["server_headless"] is False
    assert f"http://127.0.0.1:{started['options']['server_port']} " in ran.err


def test_a_port_that_is_taken_is_told(eclipsed: Run, started: dict[str, Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = eclipsed("app", "--port", str(taken.getsockname()[1]))
    assert ran.code == 1
    assert ran.err.startswith("eclipsed: Cannot listen on port ")
    assert "address already in use. Leave out --port" in ran.err
    assert ran.err.count("\n") == 1
    assert started == {}


@pytest.mark.parametrize(
    ("words", "code"), [(["-w", "nowhere"], 1), (["--port", "0"], 2), (["--port", "x"], 2)]
)
def test_refusals_start_nothing(
    eclipsed: Run, started: dict[str, Any], world: World, words: list[str], code: int
) -> None:
    assert eclipsed("app", *words).code == code
    assert started == {}
