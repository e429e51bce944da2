"""A file becomes a generator, whatever family it is of."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from eclipsed.checkpoints.checkpoint import Checkpoint
from eclipsed.checkpoints.reading import read_checkpoint
from eclipsed.checkpoints.rosinality import decoder_of
from eclipsed.errors import BadFile
from eclipsed.files import StrPath, shown
from eclipsed.generators.precision import in_precision
from eclipsed.types import Generator

# Family → the module whose `from_checkpoint(config, tensors, name=…)` builds it.
FAMILIES: dict[str, str] = {
    "stylegan2": "eclipsed.generators.stylegan2",
    "stylegan3": "eclipsed.generators.stylegan3",
    "stylegan1": "eclipsed.generators.stylegan1",
    "biggan": "eclipsed.generators.biggan",
    "dcgan": "eclipsed.generators.dcgan",
}


def load_generator(path: StrPath, device: str = "cpu", precision: str = "float32") -> Generator:
    """The generator of a checkpoint file of any format that `read_checkpoint` knows.

    Of an e4e file that is its decoder. precision: "float32", or "bfloat16" or "float16" for images
    that are computed in half precision (`precision.in_precision`). Executes nothing in the file.

    Raises BadFile, with one sentence, for a file that is missing, damaged, refused, or holds
    another kind of network, and BadSetting for another precision.
    """
    checkpoint = read_checkpoint(path)
    if checkpoint.family == "e4e":
        checkpoint = decoder_of(checkpoint)
    if checkpoint.family not in FAMILIES:
        raise BadFile(
            f"The file {shown(path)} holds no generator, but a network of kind {checkpoint.family}."
        )
    made = build(checkpoint, name=Path(path).stem, device=device)
    return in_precision(made, precision)


def build(checkpoint: Checkpoint, *, name: str, device: str = "cpu") -> Generator:
    """The checkpoint's network, frozen, float32."""
    module = import_module(FAMILIES[checkpoint.family])
    made = module.from_checkpoint(checkpoint.config, checkpoint.tensors, name=name)
    return made.to(device)  # type: ignore[no-any-return]
