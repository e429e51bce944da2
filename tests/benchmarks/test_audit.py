from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import audit


def test_every_licence_of_the_lock_is_accepted() -> None:
    refused = {name: said for name, said in audit.licences().items() if not audit.accepted(said)}
    assert refused == {}


@pytest.mark.parametrize(
    ("licence", "fits"),
    [
        ("MIT", True),
        ("Apache-2.0 WITH LLVM-exception AND BSD-2-Clause", True),
        ("GPL-3.0-only OR MIT", True),
        ("GPL-3.0-only", False),
        ("MIT AND LGPL-2.1-or-later", False),
        ("", False),
    ],
)
def test_a_licence_is_accepted_part_by_part(licence: str, fits: bool) -> None:
    assert audit.accepted(licence) is fits


def test_without_pip_audit_the_audit_fails_and_says_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(audit, "find_spec", lambda name: None)
    assert audit.has_holes(tmp_path)
    assert "pip-audit, which needs a network, is not here" in capsys.readouterr().out
