"""The program itself, in a process of its own: what holds before any verb runs."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from eclipsed.cli import _WAIT_SETTINGS

# Prints how threads are to wait at the moment that torch is first imported, and ends there.
_UNTIL_TORCH = """
import os, sys

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            print(os.environ.get("GOMP_SPINCOUNT"), flush=True)
            os._exit(0)

sys.meta_path.insert(0, Watch())
from eclipsed.cli import main
main()
"""


def spin_count_at_torch(*arguments: str, **settings: str) -> str:
    """What the program has set when it imports torch, in an environment with these settings."""
    others = {name: text for name, text in os.environ.items() if name not in _WAIT_SETTINGS}
    ran = subprocess.run(
        [sys.executable, "-c", _UNTIL_TORCH, *arguments],
        env=others | settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return ran.stdout.strip()


@pytest.mark.parametrize("arguments", [["doctor"], ["app", "--no-browser"]], ids=lambda a: a[0])
def test_threads_are_told_to_sleep_before_torch_is_imported(arguments: list[str]) -> None:
    assert spin_count_at_torch(*arguments) == "1000"


def test_what_the_user_has_set_stays() -> None:
    assert spin_count_at_torch("doctor", GOMP_SPINCOUNT="7") == "7"
    for name in ("OMP_WAIT_POLICY", "KMP_BLOCKTIME"):
        assert spin_count_at_torch("doctor", **{name: "0"}) == "None"


@pytest.mark.parametrize(
    ("line", "answers"),
    [
        ("eclipsed tr", {"train"}),
        ("eclipsed train --meth", {"--method"}),
        ("eclipsed train hat --method styleclip", {"styleclip-global", "styleclip-optimization"}),
        ("eclipsed train hat --world star", {"starter"}),
        ("eclipsed show card", set()),  # bash goes on with files
    ],
)
def test_a_shell_is_told_how_a_line_goes_on(line: str, answers: set[str]) -> None:
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    ran = subprocess.run(
        [sys.executable, "-m", "eclipsed"],
        env=os.environ | asked | {"_ECLIPSED_COMPLETE": "complete_bash"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert set(ran.stdout.split()) == answers
