"""Networks of the transformers library: from a folder or a hub name to a frozen module.

Weights, in safetensors or as PyTorch's pickles, and JSON are read, and nothing in a folder is
executed: pickles go through our own reader. How a network wants its pictures prepared is read here
too, but done by our own code in torch.
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

from eclipsed.checkpoints.mapped import map_file
from eclipsed.checkpoints.reading import read_table
from eclipsed.encoders.resizing import Kernel, resize, resize_bytes, to_bytes
from eclipsed.errors import BadFile
from eclipsed.files import HEAD, StrPath, check_genuine, read_bytes, shown

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Three = tuple[float, float, float]

# owner/name, and perhaps @ and a branch, tag or commit.
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(@[\w.-]+)?")
_WANTED = ("*.json", "model*.safetensors", "merges.txt")
# Weights as PyTorch pickles them, in the order in which they are looked for.
_PICKLED = ("pytorch_model*.bin", "*.bin", "*.pth", "*.pt")
# What transformers finds by itself.
_WHOLE = ("model.safetensors", "model.safetensors.index.json")
_MOST_JSON = 64 * 2**20
_KERNELS: dict[int, Kernel] = {2: "bilinear", 3: "bicubic"}  # by Pillow's numbers


def pretrained_folder(source: StrPath, *, local_only: bool = False) -> Path:
    """The folder of a network: a local one, or a Hugging Face repository's in the user's cache.

    source: a folder, or "owner/name", or "owner/name@revision". Unless `local_only`, configuration
    and safetensors are downloaded, or the .bin file where there are none, and nothing else ever is.

    Raises BadFile when there is no such folder, or the repository cannot be had.
    """
    folder = Path(source)
    if folder.is_dir():
        return folder
    if folder.is_file():
        map_file(folder)  # which says so of a page or pointer
        raise BadFile(
            f"{shown(source)} is a file, and such a network is a folder: its weights, a "
            "config.json, and what it prepares texts and pictures with.",
            "Give the folder, or a name such as 'openai/clip-vit-base-patch32'.",
        )
    if not _HUB_NAME.fullmatch(str(source)):
        raise BadFile(
            f"There is no folder {shown(source)}.",
            "Give a folder, or a name such as 'openai/clip-vit-base-patch32'.",
        )
    from huggingface_hub import snapshot_download

    name, _, revision = str(source).partition("@")

    def download(*wanted: str) -> Path:
        return Path(
            snapshot_download(
                name,
                revision=revision or None,
                allow_patterns=list(wanted),
                local_files_only=local_only,
            )
        )

    try:
        cached = download(*_WANTED)
        if not local_only and not any(cached.glob("*.safetensors")):
            cached = download(_PICKLED[0])
    except Exception as error:
        where = "in the cache of Hugging Face" if local_only else "to be had from Hugging Face"
        raise BadFile(
            f"{shown(source)} is neither a folder nor {where}.",
            "Check the name and the connection, or give a folder that holds it.",
        ) from error
    return cached


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

    Weights may be in safetensors or in PyTorch's .bin, .pth and .pt, in one file or several; what
    is pickled is read by our own reader.

    Raises BadFile without weights, and for those that are damaged, missing or misshapen.
    """
    table = _weights(folder)
    import transformers  # takes seconds

    network = getattr(transformers, kind)
    try:
        source: dict[str, Any] = {"pretrained_model_name_or_path": folder}
        if table is not None:
            config = network.config_class.from_pretrained(folder, local_files_only=True)
            source = {"pretrained_model_name_or_path": None, "config": config, "state_dict": table}
        with _without_progress_bar():
            model, report = network.from_pretrained(
                **source,
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


def _weights(folder: Path) -> dict[str, Tensor] | None:
    """The weights of a folder, from all their files; None where transformers finds them itself.

    Raises BadFile where there are none, and for a file that is damaged or something else.
    """
    safe = sorted(folder.glob("*.safetensors"))
    for path in safe:
        with open(path, "rb") as file:
            check_genuine(file.read(HEAD), path)
    if any((folder / name).is_file() for name in _WHOLE):
        return None
    pickled = (sorted(folder.glob(pattern)) for pattern in _PICKLED)
    paths = safe or next(filter(None, pickled), [])
    if not paths:
        raise BadFile(
            f"The folder {shown(folder)} holds no weights that can be read.",
            "It needs model.safetensors, or pytorch_model.bin, beside its config.json.",
        )
    table: dict[str, Tensor] = {}
    for path in paths:
        table |= read_table(path)
    return table


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
