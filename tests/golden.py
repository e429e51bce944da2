"""Reading the golden data: inputs and outputs of the original public code on random weights.

The environment variable ECLIPSED_GOLDEN names the folder of all of them. Without it the small part
in `golden_data/` is read, which `make_golden_subset.py` cuts out of the whole: a case that it
lacks is skipped, and of large outputs it keeps a corner.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

SUBSET = Path(__file__).parent / "golden_data"


def golden_folder() -> Path:
    """The folder of all golden data where it is named, otherwise the small part of it."""
    return Path(os.environ.get("ECLIPSED_GOLDEN") or SUBSET)


def skip_left_out(what: str) -> None:
    """Skips the calling test for what the small part lacks; in the whole, everything must be."""
    if golden_folder() != SUBSET:
        pytest.fail(f"the golden data lack {what}")
    pytest.skip(f"{what}: only in the whole golden data, which ECLIPSED_GOLDEN names")


def golden_file(path: str) -> Path:
    """A file of the golden data; skips the calling test where it was left out."""
    file = golden_folder() / path
    if not file.exists():
        skip_left_out(path)
    return file


def golden_case(name: str) -> dict[str, Any]:
    """One entry of cases.json; `config_from` is followed."""
    cases = json.loads(golden_file("cases.json").read_text())["cases"]
    found: dict[str, Any] = next((case for case in cases if case["id"] == name), {})
    if not found:
        skip_left_out(f"case {name}")
    if "config_from" in found:
        found["network_config"] = golden_case(found["config_from"])["config"]
    return found


def golden_arrays(path: str) -> dict[str, Tensor]:
    """The tensors of one .npz or .safetensors file."""
    file = golden_file(path)
    if file.suffix == ".safetensors":
        return load_file(file)
    with np.load(file, allow_pickle=False) as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays.files}


def assert_near(
    actual: Tensor, expected: Tensor, *, rtol: float = 1e-4, scale: float = 1e-4
) -> None:
    """Within rtol·|expected| + scale·max|expected|, as the golden data states its tolerances."""
    torch.testing.assert_close(
        actual, expected.to(actual.dtype), rtol=rtol, atol=scale * float(expected.abs().max())
    )


def assert_golden(
    actual: Tensor, expected: Tensor, *, rtol: float = 1e-4, scale: float = 1e-4
) -> None:
    """`assert_near`, for an output of which the small part may keep only a corner."""
    if golden_folder() == SUBSET:
        actual = actual[tuple(slice(size) for size in expected.shape)]
    assert_near(actual, expected, rtol=rtol, scale=scale)
