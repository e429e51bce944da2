from __future__ import annotations

import json

import pytest

from benchmarks import precision
from tests.families import GENERATORS


def test_every_precision_is_compared_with_float32(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(precision, "CASES", {"fake": lambda: GENERATORS["stylegan1"]})
    precision.main(["--json", "fake"])
    found = json.loads(capsys.readouterr().out)["precision"]["fake"]
    assert list(found) == ["float32", "bfloat16", "float16"]
    assert found["float32"]["PSNR"] is None
    assert found["float16"]["error"] < found["bfloat16"]["error"] < 0.05
    assert found["float16"]["PSNR"] > found["bfloat16"]["PSNR"] > 30
    precision.main(["bfloat16"])
    head, _, row = capsys.readouterr().out.splitlines()
    assert head == "| | float32 | bfloat16 |"
    assert row.startswith("| fake | ")
    assert row.endswith(" dB |")


def test_the_random_stylegan3_has_the_sizes_that_were_published() -> None:
    generator = precision.stylegan3()
    names = generator.synthesis.layer_names  # type: ignore[attr-defined]
    assert [names[0], names[9], names[11], names[13]] == [
        "L0_36_512",
        "L9_148_362",
        "L11_276_181",
        "L13_256_128",
    ]
