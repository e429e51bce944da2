"""The files around the code agree with each other."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import eclipsed
from eclipsed import errors

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
NEEDED = [
    Requirement(text)
    for texts in [PROJECT["dependencies"], *(EXTRAS[name] for name in EXTRAS if name != "cluster")]
    for text in texts
    if not text.startswith("eclipsed[")
]


def locked() -> dict[str, str]:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pins = {}
    for line in lines:
        if not line.startswith("#"):
            # No address, no path, no local version: the lock must fit every machine.
            match = re.fullmatch(r"([A-Za-z0-9._-]+)==([0-9][A-Za-z0-9.]*)", line)
            assert match, line
            pins[canonicalize_name(match[1])] = match[2]
    return pins


@pytest.mark.parametrize("requirement", NEEDED, ids=str)
def test_the_lock_holds_what_the_project_needs(requirement: Requirement) -> None:
    version = locked()[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(version)
    assert requirement.specifier, "a lower bound is missing"


def test_dev_installs_every_other_extra() -> None:
    # Ray takes 300 MB; its tests are skipped where it is not there.
    named = next(text for text in EXTRAS["dev"] if text.startswith("eclipsed["))
    assert set(named[len("eclipsed[") : -1].split(",")) == set(EXTRAS) - {"dev", "cluster"}


def test_what_to_install_is_never_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors.metadata, "requires", lambda _: ["av>=13.0; extra == 'video'"])
    assert errors.install_command("video").endswith(" -m pip install 'av>=13.0'")
    # As of an editable install that is older than the extra.
    assert errors.install_command("cluster").endswith(" -m pip install 'eclipsed[cluster]'")


def test_the_version_is_the_same_everywhere() -> None:
    assert PROJECT["version"] == eclipsed.__version__
    assert f"version: {eclipsed.__version__}\n" in (ROOT / "CITATION.cff").read_text()


def test_the_commands_that_are_promised_exist() -> None:
    made = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"demo", "test", "test-slow", "lint", "starter", "bench"} <= made
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_what_is_used_is_named() -> None:
    notice = (ROOT / "NOTICE").read_text()
    for name in ("Ibon", "Pablo Stanley", "all-MiniLM-L6-v2", "en_core_web_sm", "LELSD"):
        assert name in notice
    cited = (ROOT / "CITATION.cff").read_text()
    for name in ("Warrington-Arroyo", "Ebensperger Buschmann", "Favre", "Pajouheshgar", "Zhang"):
        assert name in cited
