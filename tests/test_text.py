from __future__ import annotations

import pytest

from eclipsed.text import file_name


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("Curly hair!", "curly-hair"),
        ("../../etc/passwd", "etc-passwd"),
        ("déjà vu", "deja-vu"),
        ("笑顔", "direction"),
        ("a" * 200, "a" * 60),
    ],
)
def test_a_prompt_becomes_a_plain_file_name(prompt: str, name: str) -> None:
    assert file_name(prompt) == name
