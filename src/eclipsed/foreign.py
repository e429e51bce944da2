"""Directions that other tools found, as vectors, and as cards for one generator.

    read_directions(path) → directions as the file has them
    to_card(direction, generator) → a card, once the shapes fit

Known are eCLIPsed's and LELSD's model.pth, InterFaceGAN's boundaries, GANSpace's components,
rosinality's factor.pt, latents and styles as StyleCLIP keeps them, and plain vectors in .npy, .npz,
.pt and .safetensors files. What a file is, its bytes say; nothing in it is run.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.checkpoints.numpy_files import MAGIC, is_npz, load_npz, load_objects, npz_keys
from eclipsed.checkpoints.torch_files import load
from eclipsed.checkpoints.unpickling import Record, damage, in_brief
from eclipsed.directions import Direction
from eclipsed.errors import BadFile, BadSetting, WrongGenerator
from eclipsed.files import StrPath, kind_of, read_bytes, read_tensors, refused, shown
from eclipsed.generators.spaces import longest_layer, look_like_z, moments
from eclipsed.types import Generator, Layer, Space

# GANSpace's files also carry components of activations, of which there may be many.
LIMIT = 256 * 2**20

_MOST_ROWS = 64  # of W+; 18 at 1024 pixels
_MOST_DIRECTIONS = 1024
_WIDEST_W = 1024
_ANY_RANGE = (-10.0, 10.0)
_FAR = 2.0  # spreads of a space, beyond which strength 1 is no step
# Which space a bare vector is of where the file does not say: the first that fits.
_GUESSES: tuple[Space, ...] = ("w", "w+", "s", "z")


@dataclass(frozen=True, eq=False, kw_only=True)
class ForeignDirection:
    """A direction as another tool found it: edited = latent + strength·unit·vector.

    origin: the tool or file format, in words. layers: the vector, one float32 tensor [width] per
    layer. told: whether the file says which space it is of; where it does not, `space` is the
    likeliest one. unit: 1, but GANSpace's strengths count standard deviations. range: the strengths
    that the tool used. facts: what else the file says, plain JSON.
    """

    name: str
    origin: str
    space: Space
    layers: tuple[Tensor, ...]
    told: bool = True
    unit: float = 1.0
    range: tuple[float, float] = _ANY_RANGE
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def widths(self) -> tuple[int, ...]:
        return tuple(layer.numel() for layer in self.layers)


def read_directions(path: StrPath) -> tuple[ForeignDirection, ...]:
    """Every direction in a file, at least one.

    A latent [rows, w] or [1, rows, w] is one direction of W+; two latents [2, rows, w], before and
    after an edit, are one as well, their difference. Styles of StyleCLIP, 26 arrays
    [N, 1, C, 1, 1] with N 1 or 2 in the same sense, come out in this package's convention: their
    entries for colour are multiplied by 1/√C, the gain that rosinality's port leaves to the
    weights. Of S as eCLIPsed and LELSD keep it (27 arrays [K, C], the gain already in them) the
    last, which no image depends on, is dropped, and layers that the tool left alone are zero.

    Raises BadFile, with one sentence, for a file that is missing, damaged, refused, or holds none.
    """
    content = read_content(path)
    with refused(path):
        directions = recognise(content, Path(path).stem)
        if directions is None:
            raise BadFile(f"it holds no direction that is known here, but {in_brief(content)}")
    return directions


# --- files --------------------------------------------------------------------------------------


def read_content(path: StrPath) -> object:
    """What a file holds: arrays, tensors, dictionaries and lists of them, or a Record.

    Raises BadFile for a file that is missing, damaged, refused, or larger than any of directions.
    """
    data = read_bytes(path, limit=LIMIT)
    with refused(path), damage():
        if data.startswith(MAGIC):
            return load_objects(data)
        if is_npz(data[:512]):
            keys = npz_keys(data)
            return load_npz(data, _GANSPACE if _GANSPACE[0] in keys else None)
        if kind_of(data[:16]) != "a safetensors file":
            return load(memoryview(data))
        tensors, metadata = read_tensors(data)
        if "eclipsed" in metadata:
            raise BadFile("it is a card already", "Use it with -d.")
        return tensors


# --- what content means -------------------------------------------------------------------------


@damage()
def recognise(content: object, name: str) -> tuple[ForeignDirection, ...] | None:
    """The directions in a file's content; None when it is of no layout that is known here.

    name: of a direction that has none of its own. Raises BadFile, the reason only, for a known
    layout that makes no sense.
    """
    if isinstance(content, Record):
        return _from_instance(content, name)
    if isinstance(content, dict):
        return (
            _from_components(content) or _from_eigenvectors(content) or _from_named(content, name)
        )
    if isinstance(content, np.ndarray) and content.dtype == object:
        content = content.tolist()
    if isinstance(content, list | tuple):
        return _from_styles(content, name)
    numbers = tensor_of(content)
    return None if numbers is None else (_from_array(numbers, name, _maker(content)),)


def tensor_of(value: object) -> Float[Tensor, "*shape"] | None:
    """An array or tensor of real numbers in float32; None for anything else, even integers."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        with np.errstate(over="ignore"):  # what becomes infinite is refused later
            return torch.from_numpy(value.astype(np.float32))
    if isinstance(value, Tensor) and value.is_floating_point():
        return value.float()
    return None


def _maker(value: object) -> str:
    return "NumPy array" if isinstance(value, np.ndarray) else "tensor"


def _checked(vector: Float[Tensor, "*d"]) -> Float[Tensor, "*d"]:
    if not bool(torch.isfinite(vector).all()):
        raise BadFile("it holds numbers that are not finite")
    return vector.contiguous()


def _from_array(numbers: Float[Tensor, "*shape"], name: str, origin: str) -> ForeignDirection:
    """[D], [1, D], [rows, w], [1, rows, w], or two latents [2, rows, w]."""
    shape = list(numbers.shape)
    if numbers.dim() == 3 and shape[0] in (1, 2):
        numbers = _one_of(numbers)
        # Said wherever the direction goes: two directions in one array would look the same.
        origin = origin if shape[0] == 1 else f"second minus first latent of a {origin}"
    if numbers.dim() == 1:
        numbers = numbers[None]
    if numbers.dim() == 3:
        raise BadFile(
            f"it holds {shape[0]} latents {shape}, and a direction is one, or two to be subtracted",
            "Save the one direction, or the latents before and after an edit.",
        )
    if numbers.dim() != 2 or numbers.numel() < 2:
        raise BadFile(f"it holds numbers of shape {shape}, which is no direction's")
    rows, width = numbers.shape
    if rows > _MOST_ROWS:
        raise BadFile(
            f"it is a table of {rows} × {width} numbers, such as StyleCLIP's relevance of channels "
            "(fs3.npy), which is no direction until a prompt is multiplied with it"
        )
    numbers = _checked(numbers)
    if rows > 1:
        return ForeignDirection(name=name, origin=origin, space="w+", layers=tuple(numbers))
    # InterFaceGAN saves the normal of a hyperplane, of length 1, and its program goes 3 each way.
    if len(shape) == 2 and abs(float(numbers.norm()) - 1.0) < 1e-3:
        origin, span = "InterFaceGAN boundary", (-3.0, 3.0)
    else:
        span = _ANY_RANGE
    rows = _likely_rows(width)
    return ForeignDirection(
        name=name,
        origin=origin,
        space="w" if rows == 1 else "w+",
        layers=tuple(numbers.reshape(rows, -1)),
        told=False,
        range=span,
    )


def _likely_rows(size: int) -> int:
    """How many rows of W+ a flat vector has: 1 of w or z, else 2 for each resolution from 4 on."""
    if size & (size - 1) == 0 and size <= _WIDEST_W:
        return 1
    fits = (size // w for w in (512, 256, 128, 64, 32, 16) if size % w == 0)
    return next((rows for rows in fits if rows in range(8, 20, 2)), 1)


def _one_of(latents: Float[Tensor, "n ..."]) -> Float[Tensor, "*d"]:
    """The only one of latents [1, …], or the second of [2, …] minus the first."""
    return latents[0] if len(latents) == 1 else latents[1] - latents[0]


def _from_named(content: Mapping[Any, Any], name: str) -> tuple[ForeignDirection, ...] | None:
    """A table of vectors by name, all of one shape."""
    named = ((key, tensor_of(value)) for key, value in content.items() if isinstance(key, str))
    tensors = {key: value for key, value in named if value is not None}
    shapes = {value.shape for value in tensors.values()}
    if len(shapes) != 1 or len(tensors) != len(content) or len(tensors) > _MOST_DIRECTIONS:
        return None
    origin = _maker(next(iter(content.values())))
    if len(tensors) == 1:
        ((key, value),) = tensors.items()
        # NumPy's name for an array without one.
        return (_from_array(value, name if key == "arr_0" else key, origin),)
    if len(shapes.pop()) not in (1, 2, 3):
        return None
    return tuple(_from_array(value, key, origin) for key, value in tensors.items())


# --- eCLIPsed and LELSD -------------------------------------------------------------------------

_CLASSES = ("eCLIPsed", "LELSD")
_SPACE_NAMES: dict[str, Space] = {"Z": "z", "W": "w", "W+": "w+"}
# S, S+, S_conv, or S and the number of one layer.
_STYLE_NAME = re.compile(r"S(\+|_conv|\d{1,3})?")
# Attributes that say how a direction was found. Others say on which machine.
_ATTRIBUTES = (
    "latent_space s_layers_to_apply localization_layers localization_layer_weights"
    " localization_loss_function loss_function mode mask_aggregation gamma_correlation unit_norm"
    " batch_size lr random_seed"
).split()


def _from_instance(record: Record, name: str) -> tuple[ForeignDirection, ...] | None:
    """An instance of the class that trains: `latent_dirs` is all that an edit needs."""
    if record.name not in _CLASSES:
        return None
    state = record.state
    if not isinstance(state, dict) or "latent_dirs" not in state:
        raise BadFile(f"it holds an object of {record.name} without latent_dirs")
    space, directions = _latent_dirs(state)
    facts = _facts(record.name, state)
    base = "+".join(map(str, facts.get("regions", ()))) or name
    return tuple(
        ForeignDirection(
            name=base if len(directions) == 1 else f"{base}_{number}",
            origin=f"{record.name} model.pth",
            space=space,
            layers=layers,
            range=_range_of(facts),
            facts=facts,
        )
        for number, layers in enumerate(directions, start=1)
    )


def _latent_dirs(state: Mapping[str, Any]) -> tuple[Space, list[tuple[Tensor, ...]]]:
    """The space, and the layers of each direction."""
    named, content = state.get("latent_space"), state["latent_dirs"]
    if isinstance(named, str) and _STYLE_NAME.fullmatch(named):
        return "s", _style_dirs(content, state.get("s_layers_to_apply"))
    if named not in _SPACE_NAMES:
        raise BadFile("its latent_space is none of Z, W, W+ and S")
    space = _SPACE_NAMES[str(named)]
    numbers = tensor_of(content)
    if numbers is None or numbers.dim() != (3 if space == "w+" else 2) or not numbers.numel():
        expected = "[K, rows, w]" if space == "w+" else "[K, w]"
        raise BadFile(f"its latent_dirs are not of the shape {expected}")
    _check_count(len(numbers))
    rows = _checked(numbers if space == "w+" else numbers[:, None])
    return space, [tuple(direction) for direction in rows]


def _style_dirs(content: object, chosen: object) -> list[tuple[Tensor, ...]]:
    """27 arrays [K, C] at 1024 pixels, the last of them a copy without any effect."""
    if not isinstance(content, list | tuple) or len(content) < 3:
        raise BadFile("its latent_dirs are no list of arrays, one a layer of S")
    arrays = [tensor_of(value) for value in content]
    tables = [array for array in arrays if array is not None and array.dim() == 2 and array.numel()]
    if len(tables) != len(arrays) or len({len(table) for table in tables}) != 1:
        raise BadFile("its latent_dirs are not all of the shape [K, channels]")
    _check_count(len(tables[0]))
    used = _chosen_layers(chosen, len(tables))
    layers = [
        _checked(table if i in used else torch.zeros_like(table)) for i, table in enumerate(tables)
    ]
    return list(zip(*layers[:-1], strict=True))


def _chosen_layers(chosen: object, count: int) -> set[int]:
    """As in the tools, None and an empty list mean every layer."""
    if chosen is None or chosen == []:
        return set(range(count))
    if not isinstance(chosen, list | tuple) or not all(
        type(layer) is int and 0 <= layer < count for layer in chosen
    ):
        raise BadFile(f"its s_layers_to_apply are not layers from 0 to {count - 1}")
    return set(chosen)


def _check_count(count: int) -> None:
    if count > _MOST_DIRECTIONS:
        raise BadFile(f"it claims to hold {count} directions")


def _facts(method: str, state: Mapping[str, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {"method": method}
    parts = state.get("semantic_parts")
    if isinstance(parts, list | tuple) and _is_plain(list(parts)):
        facts["regions"] = list(parts)
    ends = [state.get("min_alpha_value"), state.get("max_alpha_value")]
    if all(_is_number(end) for end in ends):
        facts["strengths"] = ends
    for name in _ATTRIBUTES:
        value = state.get(name)
        value = list(value) if isinstance(value, tuple) else value
        if value is not None and _is_plain(value):
            facts[name] = value
    return facts


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and abs(value) < 1e9 and not isinstance(value, bool)


def _is_plain(value: object) -> bool:
    """Whether a card can keep it: a number, a line of text, or a list of such."""
    if isinstance(value, list):
        return len(value) <= 1_000 and all(_is_plain(v) and not isinstance(v, list) for v in value)
    if isinstance(value, str):
        return len(value) <= 200 and value.isprintable()
    return isinstance(value, bool) or _is_number(value)


def _range_of(facts: Mapping[str, Any]) -> tuple[float, float]:
    """The strengths that were trained with."""
    low, high = facts.get("strengths", _ANY_RANGE)
    return (float(low), float(high)) if low < high else _ANY_RANGE


# --- GANSpace -----------------------------------------------------------------------------------

_GANSPACE = ("lat_comp", "lat_mean", "lat_stdev")
_GANSPACE_SHORT = ("comp", "mean", "std")
# As many standard deviations as its program walks each way.
_SIGMAS = (-2.0, 2.0)


def _from_components(content: Mapping[Any, Any]) -> tuple[ForeignDirection, ...] | None:
    """Principal components [K, 1, D] or [K, D] and the deviation [K] along each.

    GANSpace writes deviations of exactly 1 unless it worked in W.
    """
    keys = next((k for k in (_GANSPACE, _GANSPACE_SHORT) if k[0] in content), None)
    if keys is None or keys[2] not in content:
        return None
    components, deviations = (tensor_of(content[keys[i]]) for i in (0, 2))
    if components is None or components.dim() < 2 or not components.numel():
        raise BadFile(f"its {keys[0]} holds no components [K, D]")
    count = len(components)
    _check_count(count)
    if deviations is None or deviations.numel() != count:
        raise BadFile(f"its {keys[2]} does not hold one number for each of {count} components")
    deviations = _checked(deviations.reshape(-1))
    if not bool((deviations > 0).all()):
        raise BadFile(f"its {keys[2]} holds deviations that are not positive")
    space: Space = "z" if bool((deviations == 1).all()) else "w"
    rows = _checked(components.reshape(count, -1))
    return tuple(
        ForeignDirection(
            name=f"pc_{i}",
            origin="GANSpace components",
            space=space,
            layers=(row,),
            told=False,
            unit=deviation,
            range=_SIGMAS,
            facts={"method": "GANSpace", "component": i, "deviation": deviation},
        )
        for i, (row, deviation) in enumerate(zip(rows, deviations.tolist(), strict=True))
    )


# --- rosinality ---------------------------------------------------------------------------------


def _from_eigenvectors(content: Mapping[Any, Any]) -> tuple[ForeignDirection, ...] | None:
    """Closed-form factorisation: the columns of `eigvec` [D, D] are directions of W, the largest
    first; its program goes 5 each way."""
    if set(content) != {"ckpt", "eigvec"}:
        return None
    vectors = tensor_of(content["eigvec"])
    if vectors is None or vectors.dim() != 2 or not vectors.numel():
        raise BadFile("its eigvec is no matrix [D, D]")
    _check_count(vectors.shape[1])
    return tuple(
        ForeignDirection(
            name=f"factor_{i}",
            origin="rosinality's closed-form factors",
            space="w",
            layers=(_checked(column),),
            range=(-5.0, 5.0),
            facts={"method": "SeFa", "component": i},
        )
        for i, column in enumerate(vectors.T)
    )


# --- StyleCLIP ----------------------------------------------------------------------------------


def _from_styles(content: Sequence[object], name: str) -> tuple[ForeignDirection, ...] | None:
    """Arrays [N, 1, C, 1, 1], one a layer of S: convolution, colour, then two and one a size."""
    arrays = [tensor_of(value) for value in content]
    tables = [array for array in arrays if array is not None and array.dim() == 5]
    if not tables or len(tables) != len(arrays):
        return None
    count = len(tables[0])
    if any(table.shape != (count, 1, table.shape[2], 1, 1) for table in tables):
        return None
    if count not in (1, 2) or len(tables) % 3 != 2 or not all(t.numel() for t in tables):
        raise BadFile(
            f"it holds the styles of {count} images in {len(tables)} layers, and a direction is "
            "one style, or two to be subtracted, in 26 layers at 1024 pixels"
        )
    layers = []
    for i, table in enumerate(tables):
        style = _one_of(table.flatten(1))
        gain = 1.0 / math.sqrt(style.numel()) if i % 3 == 1 else 1.0
        layers.append(_checked(style * gain))
    origin = "StyleCLIP styles" if count == 1 else "second minus first of StyleCLIP styles"
    return (ForeignDirection(name=name, origin=origin, space="s", layers=tuple(layers)),)


# --- cards --------------------------------------------------------------------------------------


def to_card(
    foreign: ForeignDirection,
    generator: Generator,
    *,
    space: Space | None = None,
    name: str | None = None,
) -> Direction:
    """The direction as a card for this generator: the same numbers, not rescaled.

    The card's method is the origin and its config the facts. Its regions stay empty, because the
    parts that the tool knew are not this world's; they are among the facts. A direction whose file
    does not say its space goes to `space`, or to the likeliest that it fits.

    Raises WrongGenerator when the widths of the layers differ, UnknownName for a space that the
    generator lacks, BadSetting for a space that contradicts the file, BadFile for a direction of
    zeros and a name that a card cannot keep.
    """
    chosen = _space_of(foreign, generator, space)
    vector = torch.cat([layer.reshape(-1) for layer in foreign.layers])
    if not bool(vector.any()):
        raise BadFile(f"The direction {shown(foreign.name)} is zero: it would change nothing.")
    try:
        return Direction(
            vector=vector,
            name=name or foreign.name,
            prompt="",
            neutral="",
            space=chosen,
            layers=generator.layers(chosen),
            generator_name=generator.name,
            generator_fingerprint=generator.fingerprint,
            method=foreign.origin,
            config=dict(foreign.facts),
            unit=foreign.unit,
            range=foreign.range,
        )
    except ValueError as error:
        raise BadFile(f"The direction cannot be kept in a card: {error}.") from error


def _space_of(foreign: ForeignDirection, generator: Generator, space: Space | None) -> Space:
    if foreign.told and space not in (None, foreign.space):
        raise BadSetting(
            f"The direction {shown(foreign.name)} is of the space {foreign.space}, not {space}.",
            "Leave out the space.",
        )
    if space is not None or foreign.told:
        candidates = [space or foreign.space]
    else:
        likely = dict.fromkeys((foreign.space, *_GUESSES))
        candidates = [guess for guess in likely if guess in generator.spaces]
    for candidate in candidates:
        if _fits(foreign, generator.layers(candidate)):
            return candidate
    widths = [layer.width for layer in generator.layers(candidates[0])]
    raise WrongGenerator(
        f"The direction {shown(foreign.name)} has {in_words(foreign.widths)}, but the space "
        f"{candidates[0]} of the generator '{generator.name}' has {in_words(widths)}.",
        "Name the world whose generator it was found in.",
    )


def _fits(foreign: ForeignDirection, layers: Sequence[Layer]) -> bool:
    widths = tuple(layer.width for layer in layers)
    return widths == foreign.widths or (not foreign.told and sum(foreign.widths) == sum(widths))


def doubt_of(card: Direction, generator: Generator) -> str:
    """Why a card's vector is hardly a direction, in a sentence; "" where nothing speaks against it.

    Latents of images, such as a projector's, are files of the same shapes. They lie about the mean
    of their space, or, of z, have the length of noise; no step is as long as that.
    """
    mean, deviation = moments(generator, card.space)
    vector = card.vector.to(mean)
    # The logarithm of how much likelier these numbers are about the mean than about zero.
    nearer = ((vector * mean - 0.5 * mean.square()) / deviation.square()).sum()
    length = longest_layer(generator, card.space, card.unit * vector)
    if card.space != "z" and float(nearer) > 0.0:
        reason = f"lies near the mean of {card.space}, as images do"
    elif vector.numel() == generator.z_dim and look_like_z(vector[None]):
        reason = "is as long as the noise z that images are made of"
    elif length > _FAR:
        reason = f"is {length:.1f} times as long as images of {card.space} lie from their mean"
    else:
        return ""
    advice = "If it is the latent of an image, give it to --latent."
    return f"'{card.name}' looks like a place and no direction: it {reason}. {advice}"


def in_words(widths: Iterable[int]) -> str:
    """Widths of layers for a message: "15 layers of 512 numbers and 2 of 256"."""
    runs = [(len(list(run)), width) for width, run in groupby(widths)]
    parts = [f"{count} of {width}" for count, width in runs]
    count, width = runs[0]
    parts[0] = f"{count} {'layer' if count == 1 else 'layers'} of {width} numbers"
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
