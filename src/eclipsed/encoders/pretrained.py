"""Networks of the transformers library: from a folder or a hub name to a frozen module.

Only safetensors weights and JSON are read and nothing in a folder is executed. How a network wants
its pictures prepared is read here too, but done by our own code in torch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from eclipsed.encoders.resizing import Kernel, resize, resize_bytes, to_bytes
from eclipsed.errors import BadFile
from eclipsed.files import StrPath, read_bytes, shown

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Three = tuple[float, float, float]

# owner/name, and perhaps @ and a branch, tag or commit.
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(@[\w.-]+)?")
_WANTED = ("*.json", "model*.safetensors", "merges.txt")
_MOST_JSON = 64 * 2**20
_KERNELS: dict[int, Kernel] = {2: "bilinear", 3: "bicubic"}  # by Pillow's numbers


def pretrained_folder(source: StrPath, *, local_only: bool = False) -> Path:
    """The folder of a network: a local one, or a Hugging Face repository's in the user's cache.

    source: a folder, or "owner/name", or "owner/name@revision". Configuration and safetensors are
    downloaded unless `local_only`, and nothing else ever is.

    Raises BadFile when there is no such folder, or the repository cannot be had.
    """
    folder = Path(source)
    if folder.is_dir():
        return folder
    if not _HUB_NAME.fullmatch(str(source)):
        raise BadFile(
            f"There is no folder {shown(source)}.",
            "Give a folder, or a name such as 'openai/clip-vit-base-patch32'.",
        )
    from huggingface_hub import snapshot_download

    name, _, revision = str(source).partition("@")
    try:
        cached = snapshot_download(
            name,
            revision=revision or None,
            allow_patterns=list(_WANTED),
            local_files_only=local_only,
        )
    except Exception as error:
        where = "in the cache of Hugging Face" if local_only else "to be had from Hugging Face"
        raise BadFile(
            f"{shown(source)} is neither a folder nor {where}.",
            "Check the name and the connection, or give a folder that holds it.",
        ) from error
    return Path(cached)


def read_json(folder: Path, name: str) -> dict[str, Any]:
    """A JSON object of a folder, {} where the file is missing; BadFile for anything else in it."""
    if not (folder / name).exists():
        return {}
    data = read_bytes(folder / name, limit=_MOST_JSON)
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise BadFile(f"The file {shown(folder / name)} is not a JSON object.", "Get it again.")
    return cast("dict[str, Any]", value)


def network_type(folder: Path) -> str:
    """Which network a folder holds, in transformers' words; BadFile where nothing says so."""
    kind = read_json(folder, "config.json").get("model_type")
    if not isinstance(kind, str):
        raise BadFile(
            f"The folder {shown(folder)} holds no network of the transformers library.",
            "It needs a config.json that says its 'model_type'.",
        )
    return kind


@contextmanager
def _without_progress_bar() -> Iterator[None]:
    from transformers.utils import logging

    was = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if was:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def load_frozen(kind: str, folder: Path, device: str | torch.device = "cpu") -> nn.Module:
    """A class of transformers with a folder's weights: float32, frozen, in evaluation mode.

    Raises BadFile without safetensors, and for weights that are damaged, missing or misshapen.
    """
    if not any(folder.glob("*.safetensors")):
        raise BadFile(
            f"The folder {shown(folder)} holds no safetensors weights.",
            "Other kinds of weights can run code and are never opened; convert them first.",
        )
    import transformers  # takes seconds

    network = getattr(transformers, kind)
    try:
        with _without_progress_bar():
            model, report = network.from_pretrained(
                folder,
                use_safetensors=True,
                local_files_only=True,
                dtype=torch.float32,
                # Said here, because a configuration may name a kernel to download and run.
                attn_implementation="sdpa" if network._supports_sdpa else "eager",
                output_loading_info=True,
            )
    except Exception as error:
        raise BadFile(
            f"The folder {shown(folder)} cannot be read as a {kind}.", "Get it again."
        ) from error
    # transformers fills what is missing with random numbers.
    if report["missing_keys"]:
        missing = min(report["missing_keys"])
        raise BadFile(f"The weights in {shown(folder)} lack the tensor {missing!r} of a {kind}.")
    return cast("nn.Module", model.to(device).eval().requires_grad_(False))


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """A folder's tokenizer, from its tokenizer.json or from CLIP's older vocab.json and merges.txt.

    Raises BadFile when it has neither, or they are damaged.
    """
    import transformers

    whole = (folder / "tokenizer.json").is_file()
    kind = transformers.PreTrainedTokenizerFast if whole else transformers.CLIPTokenizer
    try:
        if not (whole or (folder / "vocab.json").is_file()):
            raise FileNotFoundError("tokenizer.json")
        # Named classes: which one a configuration asks for does not matter.
        return cast("PreTrainedTokenizerBase", kind.from_pretrained(folder, local_files_only=True))
    except Exception as error:
        raise BadFile(
            f"The folder {shown(folder)} holds no tokenizer that can be read.",
            "It needs a tokenizer.json.",
        ) from error


@dataclass(frozen=True)
class Preparation:
    """How a network wants its pictures: `size`² pixels, of which mean and std are taken.

    shortest: pictures keep their shape, the shorter side gets this many pixels and the middle is
    cut out; None squeezes them into the square.
    """

    size: int
    mean: Three
    std: Three
    kernel: Kernel
    shortest: int | None = None

    def __call__(self, images: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3 s s"]:
        """Images in [-1, 1] → what the network takes; differentiable."""
        pixels = resize(images, self._resized(*images.shape[2:]), self.kernel)
        return self._normalised((self._middle(pixels) + 1.0) / 2.0)

    def exactly(self, images: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3 s s"]:
        """The same by way of bytes, as Pillow has it; no gradient."""
        pixels = resize_bytes(to_bytes(images), self._resized(*images.shape[2:]), self.kernel)
        return self._normalised(self._middle(pixels) / 255.0)

    def _resized(self, height: int, width: int) -> tuple[int, int]:
        if self.shortest is None:
            return self.size, self.size
        long = int(self.shortest * max(height, width) / min(height, width))
        return (self.shortest, long) if height <= width else (long, self.shortest)

    def _middle(self, pixels: Tensor) -> Tensor:
        top, left = ((side - self.size) // 2 for side in pixels.shape[2:])
        return pixels[:, :, top : top + self.size, left : left + self.size]

    def _normalised(self, pixels: Tensor) -> Tensor:
        mean = pixels.new_tensor(self.mean)[:, None, None]
        return (pixels - mean) / pixels.new_tensor(self.std)[:, None, None]


# How segmenters take their pictures, most of which grew from networks trained on ImageNet.
IMAGENET = Preparation(
    size=512, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), kernel="bilinear"
)


def read_preparation(folder: Path, usual: Preparation) -> Preparation:
    """How a folder says that its pictures are prepared; `usual` fills what it leaves open.

    Raises BadFile for what this project does not do, and for what makes no sense.
    """
    said = read_json(folder, "preprocessor_config.json")
    said = said or read_json(folder, "processor_config.json").get("image_processor", {})
    try:
        return _preparation(said, usual)
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadFile(
            f"The folder {shown(folder)} prepares its pictures in a way that is not supported.",
            "Pictures must become squares, by a bilinear or bicubic resize.",
        ) from error


def _preparation(said: Mapping[str, Any], usual: Preparation) -> Preparation:
    size, shortest = _sides(said.get("size", usual.shortest or usual.size))
    if usual.shortest is None:
        shortest = None  # a network that sees squeezed pictures
    elif said.get("do_center_crop", True):
        size, _ = _sides(said.get("crop_size", usual.size))
    mean, std = ([float(x) for x in said.get(key, ())] for key in ("image_mean", "image_std"))
    preparation = Preparation(
        size=size,
        mean=_three(mean or usual.mean),
        std=_three(std or usual.std),
        kernel=_KERNELS[int(said["resample"])] if "resample" in said else usual.kernel,
        shortest=shortest,
    )
    if size < 1 or min(preparation.std) <= 0 or (shortest is not None and shortest < size):
        raise ValueError("a size or a deviation is too small")
    return preparation


def _sides(size: Any) -> tuple[int, int | None]:
    """(side of the square, side that the shorter side becomes or None) of a size as written."""
    if isinstance(size, Mapping) and "shortest_edge" not in size:
        if int(size["height"]) != int(size["width"]):
            raise ValueError("not a square")
        return int(size["height"]), None
    side = int(size["shortest_edge"] if isinstance(size, Mapping) else size)
    return side, side


def _three(values: Any) -> Three:
    red, green, blue = values
    return red, green, blue
