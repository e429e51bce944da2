"""Reading the golden data: outputs of the original public code, kept outside the repository.

The environment variable ECLIPSED_GOLDEN names the folder; tests skip where it is not set.
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

REASON = "set ECLIPSED_GOLDEN to the folder of golden data to compare with the original code"


def golden_folder() -> Path:
    """The folder of golden data; skips the calling test where there is none."""
    folder = os.environ.get("ECLIPSED_GOLDEN", "")
    if not folder:
        pytest.skip(REASON)
    return Path(folder)


def golden_case(name: str) -> dict[str, Any]:
    """One entry of cases.json; `config_from` is followed."""
    cases = json.loads((golden_folder() / "cases.json").read_text())["cases"]
    found: dict[str, Any] = next(case for case in cases if case["id"] == name)
    if "config_from" in found:
        found["network_config"] = golden_case(found["config_from"])["config"]
    return found


def golden_arrays(path: str) -> dict[str, Tensor]:
    """The tensors of one .npz or .safetensors file."""
    file = golden_folder() / path
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
