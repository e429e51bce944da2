"""A latent in a file: one tensor in .safetensors or .npy, told by content; nothing is executed."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from eclipsed.checkpoints.numpy_files import load_npy
from eclipsed.errors import BadFile
from eclipsed.files import StrPath, kind_of, read_bytes, read_tensors, refused, shown
from eclipsed.types import Generator, Space

# A thousand latents of the largest space known are 40 MB.
_LIMIT = 64 * 2**20
# Which space a latent of so many numbers belongs to, where sizes agree: the first that fits.
_ORDER: tuple[Space, ...] = ("w+", "w", "s", "z")


def read_latent(path: StrPath, generator: Generator) -> tuple[Space, Tensor]:
    """One latent [1, D] float32 from a file, and the space that its size D says it is of.

    The file may hold [D], [1, D], [rows, w_dim] or [1, rows, w_dim]. Raises BadFile when it is
    not one finite latent of this generator.
    """
    numbers = _numbers(path)
    if not np.isfinite(numbers).all():
        raise BadFile(
            f"The latent {shown(path)} holds numbers that are not finite.", "Make it again."
        )
    spaces = [space for space in _ORDER if space in generator.spaces]
    sizes = {space: sum(layer.width for layer in generator.layers(space)) for space in spaces}
    for space, size in sizes.items():
        if numbers.size == size:
            latent = torch.from_numpy(numbers.astype(np.float32).reshape(1, size))
            return space, latent.to(generator.device)
    expected = ", ".join(f"{size} ({space})" for space, size in sizes.items())
    raise BadFile(
        f"The latent {shown(path)} holds {numbers.size} numbers in the shape "
        f"{tuple(numbers.shape)}, which is no latent of '{generator.name}'.",
        f"It takes one latent of {expected}.",
    )


def _numbers(path: StrPath) -> NDArray[np.floating]:
    data = read_bytes(path, limit=_LIMIT)
    with refused(path, hint="Save it again."):
        kind = kind_of(data)
        if kind == "a NumPy array":
            array = load_npy(data)
        elif kind == "a safetensors file":
            array = _only_tensor(data)
        else:
            hint = "Give a .safetensors or .npy file that holds one latent."
            raise BadFile(f"it is {kind}, not a latent", hint)
        if not np.issubdtype(array.dtype, np.floating) or not array.size:
            shape = f"{array.dtype} of shape {array.shape}"
            raise BadFile(f"it holds {shape}", "A latent is made of real numbers.")
    return array.astype(np.float64)


def _only_tensor(data: bytes) -> NDArray[np.generic]:
    tensors, _ = read_tensors(data)
    if len(tensors) != 1:
        raise BadFile(f"it holds {len(tensors)} tensors", "It must hold one latent.")
    (tensor,) = tensors.values()
    return (tensor.double() if tensor.is_floating_point() else tensor).numpy()
