"""Latents of files: what projectors, encoders of photos and other programs write; nothing is run.

.npy, .npz            w, dlatents, projected_w … of NVIDIA's projectors; z of InterFaceGAN
.pt, .pth, .pkl       PTI's 0.pt, e4e's latents.pt, rosinality's {picture: {latent, noise}}
.safetensors          one tensor, or several by name
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.errors import BadFile
from eclipsed.files import StrPath, refused, shown
from eclipsed.foreign import read_content, tensor_of
from eclipsed.generators.spaces import check_space, look_like_z, moments, widths_of
from eclipsed.text import file_name
from eclipsed.types import Generator, Space

# Which space a latent of so many numbers belongs to, where sizes agree: the first that fits.
_ORDER: tuple[Space, ...] = ("w+", "w", "s", "z")
# What programs call an array of latents; all but z are of W or W+.
_KEYS = ("w", "w_plus", "wp", "ws", "projected_w", "dlatents", "dlatent", "latent", "latents", "z")
_MOST_LATENTS = 10_000
_DEEPEST = 3
_SURE = 5.0  # nats by which numbers must be likelier as z than as w


@dataclass(frozen=True, eq=False)
class Latents:
    """Latents [N, D] float32 of a space, N ≥ 1.

    names: what each is called, fit for a file's name. note: what was assumed, where the file leaves
    it open, in a sentence; else "".
    """

    latents: Float[Tensor, "n d"]
    space: Space
    names: tuple[str, ...]
    note: str = ""


def read_latent(
    path: StrPath, generator: Generator, *, space: Space | None = None, index: int | None = None
) -> tuple[Space, Float[Tensor, "1 d"]]:
    """One latent [1, D] of a file and its space; arguments as in `read_latents`.

    Raises BadFile for a file of several as well, unless an index says which.
    """
    read = read_latents(path, generator, space=space, index=index)
    if len(read.latents) > 1:
        raise several(path, read)
    return read.space, read.latents


def several(path: StrPath, read: Latents) -> BadFile:
    """What to say where one latent is expected."""
    shape = tuple(read.latents.shape)
    return BadFile(
        f"The file {shown(path)} holds {shape[0]} latents of {read.space}, {shape}.",
        f"Choose one with --index 1 to {shape[0]}.",
    )


def read_latents(
    path: StrPath, generator: Generator, *, space: Space | None = None, index: int | None = None
) -> Latents:
    """The latents of a file, on the generator's device.

    An array may be [D], [N, D], [rows, w_dim] or [N, rows, w_dim]; a file may hold one under a
    known name, such as w or dlatents, or several by name or in a list. space: of the latents;
    without it their shape and name tell, and where w and z are of one size, how long they are: z
    has a length of about √z_dim, w lies about its mean. index: which one, from 1; by default all.

    Raises BadFile, with one sentence, for a file that cannot be read or holds no finite latent of
    this generator, UnknownName for a space that the generator lacks.
    """
    if space is not None:
        check_space(space, generator.spaces)
    content, path = read_content(path), Path(path)
    with refused(path):
        pieces = list(_pieces(content, path.stem, space))
        if not pieces or not all(piece.numbers.numel() for piece in pieces):
            raise BadFile(f"it holds no latent, but {_brief(content)}", "Latents are real numbers.")
    read = [_cut(path, piece, generator, space) for piece in pieces]
    if len({part.space for part in read}) > 1:
        raise BadFile(f"The latents in {shown(path)} are of several spaces.", "Choose a --space.")
    names = [name for part in read for name in part.names]
    if len(names) > _MOST_LATENTS:
        raise BadFile(f"The file {shown(path)} holds more than {_MOST_LATENTS} latents.")
    latents = torch.cat([part.latents for part in read])
    if len(set(names)) < len(names):
        names = [f"{file_name(path.stem)}-{number}" for number in range(1, len(names) + 1)]
    note = read[0].note and f"{shown(path)}: {read[0].note}"
    whole = Latents(latents.to(generator.device), read[0].space, tuple(names), note)
    return whole if index is None else _chosen(path, whole, index)


def _chosen(path: Path, whole: Latents, index: int) -> Latents:
    count = len(whole.names)
    if not 1 <= index <= count:
        hint = f"Choose from 1 to {count}." if count > 1 else "It holds one."
        raise BadFile(f"There is no latent {index} in {shown(path)}.", hint)
    one = slice(index - 1, index)
    return Latents(whole.latents[one], whole.space, whole.names[one], whole.note)


# --- what a file holds --------------------------------------------------------------------------


@dataclass(frozen=True)
class _Piece:
    """An array of a file: its name, and whether the file says that it is of z, or is not."""

    name: str
    numbers: Tensor
    is_z: bool | None = None


def _pieces(content: object, name: str, space: Space | None, deep: int = 0) -> Iterator[_Piece]:
    """The arrays of a file's content that may be latents."""
    if isinstance(content, np.ndarray) and content.dtype == object:
        content = content.tolist()
    numbers = tensor_of(content)
    if numbers is not None:
        yield _Piece(name, numbers)
    elif deep < _DEEPEST and isinstance(content, dict):
        yield from _of_table(content, name, space, deep + 1)
    elif deep < _DEEPEST and isinstance(content, list | tuple):
        for number, value in enumerate(content, start=1):
            yield from _pieces(value, f"{name}-{number}", space, deep + 1)


def _of_table(
    content: Mapping[object, object], name: str, space: Space | None, deep: int
) -> Iterator[_Piece]:
    known = [key for key in _KEYS if tensor_of(content.get(key)) is not None]
    if known:
        key = "z" if space == "z" and "z" in known else known[0]
        numbers = tensor_of(content[key])
        assert numbers is not None
        yield _Piece(name, numbers, is_z=key == "z")
        return
    # rosinality's projector keeps the picture and its noise beside each latent.
    inner = {title: v for title, v in content.items() if isinstance(v, dict) and "latent" in v}
    for title, value in inner.items() or content.items():
        yield from _pieces(value, Path(str(title)).stem, space, deep)


def _brief(content: object) -> str:
    from eclipsed.checkpoints.unpickling import in_brief

    if isinstance(content, np.ndarray | Tensor):
        return f"{str(content.dtype).removeprefix('torch.')} of shape {tuple(content.shape)}"
    return in_brief(content)


# --- which space --------------------------------------------------------------------------------


def _cut(path: Path, piece: _Piece, generator: Generator, space: Space | None) -> Latents:
    """An array's latents: as they are cut in the space given, or in the likeliest one."""
    numbers = piece.numbers
    if not bool(torch.isfinite(numbers).all()):
        raise BadFile(
            f"The latent {shown(path)} holds numbers that are not finite.", "Save it anew."
        )
    sizes = {each: sum(widths_of(generator, each)) for each in _ORDER if each in generator.spaces}
    counts = {each: _count(numbers.shape, size) for each, size in sizes.items()}
    fits = {each: count for each, count in counts.items() if count}
    if space is None and piece.is_z is not None and len(fits) > 1:
        fits = {each: count for each, count in fits.items() if (each == "z") == piece.is_z} or fits
    wanted = {space: fits[space]} if space in fits else {} if space else fits
    if not wanted:
        expected = {space: sizes[space]} if space else sizes
        raise BadFile(
            f"The latent {shown(path)} holds {numbers.numel()} numbers in the shape "
            f"{tuple(numbers.shape)}, which is no latent of '{generator.name}'.",
            f"It takes {', '.join(f'{size} ({each})' for each, size in expected.items())}.",
        )
    chosen = _likeliest(numbers, wanted, generator)
    latents = numbers.reshape(wanted[chosen], sizes[chosen])
    name = file_name(piece.name)
    names = [name] if len(latents) == 1 else [f"{name}-{i + 1}" for i in range(len(latents))]
    return Latents(latents, chosen, tuple(names), _note(numbers, wanted, chosen))


def _count(shape: Sequence[int], size: int) -> int:
    """How many latents of a size an array of a shape holds; 0 where it is not cut so."""
    for leading in range(len(shape)):
        if math.prod(shape[leading:]) == size:
            return math.prod(shape[:leading])
    return 0


def _likeliest(numbers: Tensor, counts: Mapping[Space, int], generator: Generator) -> Space:
    """The space of an array that several spaces fit."""
    first = next(iter(counts))
    # [N, rows, w_dim] is what W+ alone is written as.
    if len(counts) == 1 or "z" not in counts or (first == "w+" and numbers.dim() > 2):
        return first
    rows = numbers.reshape(-1, generator.z_dim).to(generator.device)
    others = [each for each in counts if each != "z"]
    sizes = [sum(widths_of(generator, each)) for each in others]
    if not look_like_z(rows) or "w" not in generator.spaces or generator.z_dim not in sizes:
        return first
    mean, deviation = moments(generator, "w")
    as_w = -0.5 * ((rows - mean) / deviation).square() - deviation.log()
    as_z = -0.5 * rows.square()
    return "z" if float((as_z - as_w).sum(dim=1).mean()) > _SURE else first


def _note(numbers: Tensor, counts: Mapping[Space, int], chosen: Space) -> str:
    """What to say where another space would give as many latents."""
    others = [each for each in counts if counts[each] == counts[chosen] and each != chosen]
    if not others or (chosen == "w+" and numbers.dim() > 2):
        return ""
    size = "×".join(map(str, numbers.shape))
    return (
        f"{size} numbers may be of {' or '.join([chosen, *others])}; they are taken as {chosen}. "
        f"If that is wrong, say --space {' or '.join(others)}."
    )
