from __future__ import annotations

from importlib import metadata

import pytest
import torch

from eclipsed import worlds
from eclipsed.errors import BadFile
from eclipsed.types import World
from tests.cli.conftest import Run


def test_doctor_is_fine_or_says_what_is_not(eclipsed: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = eclipsed("doctor")
    assert ran.code == 0
    assert "Everything is in place." in ran.out
    result = eclipsed("doctor", "--json").json
    assert result["ok"] is True
    assert result["versions"]["torch"] == torch.__version__

    def broken(*_: object) -> World:
        raise BadFile("The weights are damaged.", "Install eclipsed again.")

    monkeypatch.setattr(worlds, "load_world", broken)
    ran = eclipsed("doctor", "--json")
    assert ran.code == 1
    assert ran.json["starter"]["problem"] == "The weights are damaged. Install eclipsed again."


def test_an_extra_is_there_when_all_its_packages_are(
    eclipsed: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    requirements = ["torch>=2", "numpy>=1; extra == 'a'", "no-such<3; extra == 'a'"]
    monkeypatch.setattr(metadata, "requires", lambda _: [*requirements, 'torch; extra == "b"'])
    assert eclipsed("doctor", "--json").json["extras"] == {"a": False, "b": True}
