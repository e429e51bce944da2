from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclipsed.text import file_name, whole_numbers


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("Curly hair!", "curly-hair"),
        ("../../etc/passwd", "etc-passwd"),
        ("déjà vu", "déjà-vu"),
        ("de\u0301ja\u0300 vu", "déjà-vu"),
        ("笑顔", "笑顔"),
        ("卷发", "卷发"),
        ("кудрявые волосы", "кудрявые-волосы"),
        ("घुंघराले बाल", "घुंघराले-बाल"),
        ("مو\u200cهای فرفری", "موهای-فرفری"),
        ("ผมหยิก", "ผมหยิก"),
        ("😀❤\ufe0f", "direction"),
        ("?!", "direction"),
        ("NUL", "nul_"),
        ("com1", "com1_"),
        ("a" * 200, "a" * 60),
        ("卷" * 200, "卷" * 60),
    ],
)
def test_a_prompt_becomes_a_plain_file_name(prompt: str, name: str) -> None:
    assert file_name(prompt) == name


@given(st.text(max_size=300))
def test_every_prompt_becomes_a_name_that_every_system_takes(prompt: str) -> None:
    name = file_name(prompt)
    assert name
    assert unicodedata.is_normalized("NFC", name)
    assert len(f"{name}-1000.safetensors".encode()) <= 255
    assert not set(name) & set('/\\:*?"<>|. ')
    assert name.isprintable()


@pytest.mark.parametrize("text", ["1,2,5−7", "1,2,5–7", "1,2,5-7"])
def test_dashes_of_a_page_are_those_of_a_keyboard(text: str) -> None:
    assert whole_numbers(text, largest=9, most=9) == [1, 2, 5, 6, 7]
