"""Cuts `golden_data/` out of the whole golden data, small enough to be kept here.

    ECLIPSED_GOLDEN=FOLDER python -m tests.make_golden_subset

Weights, inputs and files of other programs stay as they are. Of outputs the first image is kept and
of a picture or a feature the leading channels and pixels: no number is rounded.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import save
from torch import Tensor

from tests.golden import SUBSET, golden_arrays

CASES = (
    "ada_skip32",
    "sg3_r32",
    "ros_file_train_cuda",
    "pth_eclipsed_W_K1",
    "pth_eclipsed_Z_K3",
    "pth_lelsd_W_K2",
    "pth_lelsd_Z_K1",
    "bisenet",
    "bisenet_preprocess",
    "e4e_file",
    "alignment",
)
# What is said about a case to people, or about files that are left out.
UNREAD = ("entries", "note", "variables_of_Gs", "pickle_globals", "expect", "opts")
COPIED = (
    "stylegan2/ada_skip32.weights.safetensors",
    "stylegan3/sg3_r32.weights.safetensors",
    "rosinality/train_cuda.weights.safetensors",
    "model_pth/eclipsed_W_K1.npz",
    "model_pth/eclipsed_W_K1.pth",
    "model_pth/eclipsed_Z_K3.npz",
    "model_pth/eclipsed_Z_K3.pth",
    "model_pth/lelsd_W_K2.npz",
    "model_pth/lelsd_W_K2.pth",
    "model_pth/lelsd_Z_K1.npz",
    "model_pth/lelsd_Z_K1.pth",
    "bisenet/manifest.json",
    "bisenet/preprocess.npz",
    "e4e/structure_no_average.pt",
    "losses/correlation.npz",
    "losses/move_latent.npz",
)
# Files of which some arrays are kept whole, and files of which corners are kept.
WHOLE = {
    "losses/inputs.npz": r"(old|new)_[1-5]|labels_.*|part_ids|clip_matrix|text_features",
    "losses/clip.npz": r"32\..*",
    "losses/localization.npz": r"mask\.\w+\.(4|8|16|32|64)|.*\.(total|per_layer|grad_new_\d)",
}
CORNERS = {
    "stylegan2/ada_skip32.io.safetensors": r"(in|out)\..*|wplus\.(layer|style|image).*",
    "stylegan3/sg3_r32.io.safetensors": r".*",
    "rosinality/train_cuda.io.safetensors": r".*",
    "alignment/expected.npz": r".*",
    "bisenet/expected.npz": r"head_(low|sample)|argmax|(feat8|cp8|cp16|fuse)_sample",
}
CHANNELS, PIXELS = 4, 16
# Arrays of more than one dimension that are no images.
TABLES = r"in\.transform|.*\.(landmarks|quad|quad_final)"


def corner(name: str, value: Tensor) -> Tensor:
    """The first image's leading channels and pixels; what is not of one image stays whole."""
    if value.dim() < 2 or re.fullmatch(TABLES, name):
        return value
    if value.dim() == 4:
        return value[:1, :CHANNELS, :PIXELS, :PIXELS].clone()
    return value[:1].clone()


def write(file: Path, arrays: dict[str, Tensor]) -> None:
    if file.suffix == ".safetensors":
        file.write_bytes(save(arrays))
    else:
        numbers: dict[str, Any] = {name: value.numpy() for name, value in arrays.items()}
        np.savez_compressed(file, **numbers)


def short_case(case: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in case.items() if key not in UNREAD}


def make_subset(golden: Path, out: Path) -> None:
    """Write the small part of the golden data in `golden` to the folder `out`, made anew."""
    shutil.rmtree(out, ignore_errors=True)
    for path in (*COPIED, *WHOLE, *CORNERS):
        (out / path).parent.mkdir(parents=True, exist_ok=True)
    for path in COPIED:
        shutil.copyfile(golden / path, out / path)
    for path, pattern in {**WHOLE, **CORNERS}.items():
        named = {n: v for n, v in golden_arrays(path).items() if re.fullmatch(pattern, n)}
        whole = path in WHOLE
        write(out / path, {n: v if whole else corner(n, v) for n, v in named.items()})
    index = json.loads((golden / "cases.json").read_text())
    index["cases"] = [short_case(case) for case in index["cases"] if case["id"] in CASES]
    (out / "cases.json").write_text(json.dumps(index, indent=1) + "\n")


if __name__ == "__main__":
    make_subset(Path(os.environ["ECLIPSED_GOLDEN"]), SUBSET)
