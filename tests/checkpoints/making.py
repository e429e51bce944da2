"""Tiny checkpoint files of every format, and pickles that name what is not there.

The files are small stand-ins with the real layouts; the golden data prove the layouts themselves.
"""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import safetensors.torch
import torch
from torch import Tensor

from eclipsed.checkpoints.torch_files import load
from eclipsed.checkpoints.writing import checksum

# --- pickles ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Name:
    """A global that a pickle names; it need not exist."""

    module: str
    name: str

    def __call__(self, *args: Any) -> Any:
        raise AssertionError("only written, never called")


@dataclass(eq=False)
class Call:
    """What REDUCE, or NEWOBJ where `new`, and BUILD make of a name."""

    function: Name
    args: tuple[Any, ...] = ()
    state: Any = None
    new: bool = False


@dataclass(eq=False)
class Persistent:
    """What a pickle refers to outside itself."""

    key: Any


def read_torch(data: bytes) -> Any:
    """What the bytes of a file of torch.save hold."""
    return load(memoryview(data))


class Writer(pickle._Pickler):
    """Python's pickler, which here also writes names that it cannot import."""

    # The base class has these; its published types leave them out.
    proto: int
    save: Callable[[Any], None]
    write: Callable[[bytes], Any]
    memoize: Callable[[Any], None]

    def persistent_id(self, obj: Any) -> Any:
        return obj.key if isinstance(obj, Persistent) else None

    def save_name(self, obj: Name) -> None:
        if self.proto >= 4:
            self.save(obj.module)
            self.save(obj.name)
            self.write(pickle.STACK_GLOBAL)
        else:
            self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
        self.memoize(obj)

    def save_call(self, obj: Call) -> None:
        self.save(obj.function)
        self.save(obj.args)
        self.write(pickle.NEWOBJ if obj.new and self.proto >= 2 else pickle.REDUCE)
        self.memoize(obj)
        if obj.state is not None:
            self.save(obj.state)
            self.write(pickle.BUILD)

    dispatch: ClassVar[Any] = {
        **pickle._Pickler.dispatch,
        Name: save_name,
        Call: save_call,
    }


def pickled(value: Any, protocol: int = 2) -> bytes:
    file = io.BytesIO()
    Writer(file, protocol).dump(value)
    return file.getvalue()


# --- torch.save's containers, around any pickle ---------------------------------------------------


def torch_zip(pickle_bytes: bytes, numbers: Mapping[str, bytes] | None = None) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", pickle_bytes)
        archive.writestr("archive/byteorder", "little")
        for name, data in (numbers or {}).items():
            archive.writestr(f"archive/data/{name}", data)
        archive.writestr("archive/version", "3\n")
    return file.getvalue()


def torch_old(
    pickle_bytes: bytes, numbers: Mapping[str, bytes] | None = None, machine: bytes | None = None
) -> bytes:
    """The format before zip; numbers: key → bytes of float32."""
    numbers = numbers or {}
    told = {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}
    parts = [pickled(0x1950A86A20F9469CFC6C), pickled(1001), machine or pickled(told), pickle_bytes]
    parts.append(pickled(list(numbers)))
    for data in numbers.values():
        parts += [struct.pack("<q", len(data) // 4), data]
    return b"".join(parts)


def storage_key(name: str, count: int, location: str = "cpu") -> Persistent:
    return Persistent(("storage", Name("torch", "FloatStorage"), name, location, count))


def rebuilt(storage: Any, offset: int, sizes: tuple[int, ...], strides: tuple[int, ...]) -> Call:
    function = Name("torch._utils", "_rebuild_tensor_v2")
    return Call(function, (storage, offset, sizes, strides, False, OrderedDict()))


def saved(value: Any, *, old: bool = False) -> bytes:
    """By torch.save itself."""
    file = io.BytesIO()
    torch.save(value, file, _use_new_zipfile_serialization=not old)
    return file.getvalue()


# --- tiny networks ------------------------------------------------------------------------------


def random_tensors(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def nvidia_stylegan2() -> dict[str, Tensor]:
    """z 4, w 4, 8×8 pixels, 3 and 2 channels, two mapping layers."""
    shapes: dict[str, tuple[int, ...]] = {"mapping.w_avg": (4,)}
    for i in (0, 1):
        shapes |= {f"mapping.fc{i}.weight": (4, 4), f"mapping.fc{i}.bias": (4,)}
    shapes["synthesis.b4.const"] = (3, 4, 4)
    for layer, inputs, outputs, size in (
        ("b4.conv1", 3, 3, 4),
        ("b8.conv0", 3, 2, 8),
        ("b8.conv1", 2, 2, 8),
    ):
        shapes |= {
            f"synthesis.{layer}.affine.weight": (inputs, 4),
            f"synthesis.{layer}.affine.bias": (inputs,),
            f"synthesis.{layer}.weight": (outputs, inputs, 3, 3),
            f"synthesis.{layer}.bias": (outputs,),
            f"synthesis.{layer}.noise_strength": (),
            f"synthesis.{layer}.noise_const": (size, size),
        }
    for layer, inputs in (("b4.torgb", 3), ("b8.torgb", 2)):
        shapes |= {
            f"synthesis.{layer}.affine.weight": (inputs, 4),
            f"synthesis.{layer}.affine.bias": (inputs,),
            f"synthesis.{layer}.weight": (3, inputs, 1, 1),
            f"synthesis.{layer}.bias": (3,),
        }
    tensors = random_tensors(shapes)
    table = torch.outer(torch.tensor([1.0, 3.0, 3.0, 1.0]), torch.tensor([1.0, 3.0, 3.0, 1.0])) / 64
    for place in ("b4", "b4.conv1", "b8", "b8.conv0", "b8.conv1"):
        tensors[f"synthesis.{place}.resample_filter"] = table.clone()
    return tensors


def nvidia_module(
    tensors: Mapping[str, Tensor], class_name: str, source: str, **state: Any
) -> Call:
    """A module as `torch_utils.persistence` pickles it, with its parts inside."""
    own = {name: value for name, value in tensors.items() if "." not in name}
    inner: dict[str, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if "." in name:
            head, _, rest = name.partition(".")
            inner.setdefault(head, {})[rest] = value
    parameters = {n: _as_parameter(v) for n, v in own.items() if n in ("weight", "bias")}
    meta = {
        "type": "class",
        "version": 6,
        "module_src": source,
        "class_name": class_name,
        "state": {
            "training": False,
            "_parameters": OrderedDict(parameters),
            "_buffers": OrderedDict(
                {**{n: v for n, v in own.items() if n not in parameters}, "absent": None}
            ),
            "_non_persistent_buffers_set": set(),
            "_modules": OrderedDict(
                {name: nvidia_module(part, "Layer", source) for name, part in inner.items()}
            ),
            **state,
        },
    }
    return Call(Name("torch_utils.persistence", "_reconstruct_persistent_obj"), (meta,))


def _as_parameter(value: Tensor) -> Call:
    return Call(Name("torch._utils", "_rebuild_parameter"), (value, True, OrderedDict()))


def easy_dict(**items: Any) -> Call:
    return Call(Name("collections", "OrderedDict"), ([[k, v] for k, v in items.items()],))


def nvidia_file(
    tensors: Mapping[str, Tensor], *, protocol: int = 4, source: str = "", **kwargs: Any
) -> bytes:
    other = {name: value + 1 for name, value in tensors.items() if name.startswith("mapping.")}
    built = {"_init_args": (), "_init_kwargs": easy_dict(**kwargs)}
    content = {
        "training_set_kwargs": easy_dict(max_size=3),
        "G": nvidia_module(other, "Generator", source, **built),
        "D": None,
        "G_ema": nvidia_module(tensors, "Generator", source, **built),
        "augment_pipe": None,
    }
    return pickled(content, protocol)


ADA_KWARGS: dict[str, Any] = {
    "z_dim": 4,
    "c_dim": 0,
    "w_dim": 4,
    "img_resolution": 8,
    "img_channels": 3,
    "mapping_kwargs": easy_dict(num_layers=2, lr_multiplier=np.float64(0.02)),
    "synthesis_kwargs": easy_dict(channel_base=32, channel_max=3, conv_clamp=256),
}


def nvidia_stylegan3() -> dict[str, Tensor]:
    shapes: dict[str, tuple[int, ...]] = {
        "mapping.w_avg": (4,),
        "mapping.fc0.weight": (4, 4),
        "mapping.fc0.bias": (4,),
        "synthesis.input.freqs": (3, 2),
        "synthesis.input.weight": (3, 3),
        "synthesis.L0_8_3.weight": (3, 3, 3, 3),
        "synthesis.L0_8_3.bias": (3,),
        "synthesis.L0_8_3.magnitude_ema": (),
    }
    return random_tensors(shapes)


SG3_KWARGS: dict[str, Any] = {
    **{name: ADA_KWARGS[name] for name in ("z_dim", "c_dim", "w_dim", "img_resolution")},
    "img_channels": 3,
    "mapping_kwargs": easy_dict(num_layers=1),
    "channel_max": 3,
    "num_layers": 6,
    "use_radial_filters": True,
}

# rosinality's name → NVIDIA's, of the tiny network above.
ROSINALITY_NAMES = {
    "style.1.weight": "mapping.fc0.weight",
    "style.1.bias": "mapping.fc0.bias",
    "style.2.weight": "mapping.fc1.weight",
    "style.2.bias": "mapping.fc1.bias",
    "input.input": "synthesis.b4.const",
    **{
        f"{ours}.{part}": f"synthesis.{theirs}.{name}"
        for ours, theirs in (
            ("conv1", "b4.conv1"),
            ("convs.0", "b8.conv0"),
            ("convs.1", "b8.conv1"),
        )
        for part, name in (
            ("conv.weight", "weight"),
            ("conv.modulation.weight", "affine.weight"),
            ("conv.modulation.bias", "affine.bias"),
            ("noise.weight", "noise_strength"),
            ("activate.bias", "bias"),
        )
    },
    **{
        f"{ours}.{part}": f"synthesis.{theirs}.{name}"
        for ours, theirs in (("to_rgb1", "b4.torgb"), ("to_rgbs.0", "b8.torgb"))
        for part, name in (
            ("conv.weight", "weight"),
            ("conv.modulation.weight", "affine.weight"),
            ("conv.modulation.bias", "affine.bias"),
            ("bias", "bias"),
        )
    },
    "noises.noise_0": "synthesis.b4.conv1.noise_const",
    "noises.noise_1": "synthesis.b8.conv0.noise_const",
    "noises.noise_2": "synthesis.b8.conv1.noise_const",
}


def rosinality_state() -> dict[str, Tensor]:
    """The tiny network under rosinality's names and in its shapes."""
    source = nvidia_stylegan2()
    state = {ours: source[theirs] for ours, theirs in ROSINALITY_NAMES.items()}
    for name, value in state.items():
        if name.endswith((".conv.weight", "input.input")):
            state[name] = value[None]
        elif name.startswith("noises."):
            state[name] = value[None, None]
        elif name.endswith("noise.weight"):
            state[name] = value[None]
        elif name.startswith("to_rgb") and name.endswith(".bias") and "modulation" not in name:
            state[name] = value.reshape(1, 3, 1, 1)
    state["convs.0.conv.blur.kernel"] = 4 * source["synthesis.b8.resample_filter"]
    return state


def converter_content() -> dict[str, Any]:
    average = nvidia_stylegan2()["mapping.w_avg"]
    return {"g_ema": rosinality_state(), "latent_avg": average}


def e4e_content() -> dict[str, Any]:
    encoder = random_tensors(
        {"encoder.input_layer.0.weight": (2, 3, 3, 3), "encoder.input_layer.1.bias": (2,)}
    )
    decoder = {f"decoder.{name}": value for name, value in rosinality_state().items()}
    average = nvidia_stylegan2()["mapping.w_avg"].expand(4, 4).clone()
    options = {"encoder_type": "Encoder4Editing", "stylegan_size": 8, "device": "cuda:0"}
    return {"state_dict": encoder | decoder, "latent_avg": average, "opts": options}


def tensorflow_network(
    version: int, variables: Mapping[str, Any], settings: Mapping[str, Any]
) -> Call:
    """A dnnlib Network; variables of components are named after them."""
    own = [(name, value) for name, value in variables.items() if "/" not in name]
    inner: dict[str, dict[str, Any]] = {}
    for name, value in variables.items():
        head, slash, rest = name.partition("/")
        if slash:
            inner.setdefault(head, {})[rest] = value

    def network(pairs: list[tuple[str, Any]], components: dict[str, Any]) -> Call:
        state = {
            "version": version,
            "name": "Gs",
            "static_kwargs": dict(settings),
            "components": components,
            "build_module_src": "raise SystemExit",
            "build_func_name": "G_main",
            "variables": pairs,
        }
        return Call(Name("dnnlib.tflib.network", "Network"), state=state, new=True)

    parts = {name: network(list(part.items()), {}) for name, part in inner.items()}
    return network(own, parts)


def tensorflow_file(
    version: int, variables: Mapping[str, Any], settings: Mapping[str, Any], protocol: int = 4
) -> bytes:
    network = tensorflow_network(version, variables, settings)
    return pickled((None, None, network), protocol)


def tensorflow_stylegan2() -> dict[str, Any]:
    """The tiny network as TensorFlow holds it: NVIDIA's conversion, backwards."""
    source = {name: value.numpy() for name, value in nvidia_stylegan2().items()}
    variables: dict[str, Any] = {"lod": np.float32(0), "dlatent_avg": source["mapping.w_avg"]}
    for i in (0, 1):
        variables[f"mapping/Dense{i}/weight"] = source[f"mapping.fc{i}.weight"].T
        variables[f"mapping/Dense{i}/bias"] = source[f"mapping.fc{i}.bias"]
    variables["synthesis/4x4/Const/const"] = source["synthesis.b4.const"][None]
    for i, (theirs, ours) in enumerate(
        (("4x4/Conv", "b4.conv1"), ("8x8/Conv0_up", "b8.conv0"), ("8x8/Conv1", "b8.conv1"))
    ):
        variables[f"synthesis/noise{i}"] = source[f"synthesis.{ours}.noise_const"][None, None]
        variables |= _tensorflow_layer(source, theirs, ours)
        strength = source[f"synthesis.{ours}.noise_strength"]
        variables[f"synthesis/{theirs}/noise_strength"] = strength
    for theirs, ours in (("4x4/ToRGB", "b4.torgb"), ("8x8/ToRGB", "b8.torgb")):
        variables |= _tensorflow_layer(source, theirs, ours)
    return variables


def _tensorflow_layer(source: Mapping[str, Any], theirs: str, ours: str) -> dict[str, Any]:
    weight = source[f"synthesis.{ours}.weight"].transpose(2, 3, 1, 0)
    if theirs.endswith("_up"):
        weight = weight[::-1, ::-1]
    return {
        f"synthesis/{theirs}/weight": np.ascontiguousarray(weight),
        f"synthesis/{theirs}/mod_weight": source[f"synthesis.{ours}.affine.weight"].T,
        f"synthesis/{theirs}/mod_bias": source[f"synthesis.{ours}.affine.bias"] - 1,
        f"synthesis/{theirs}/bias": source[f"synthesis.{ours}.bias"],
    }


def stylegan1_port() -> dict[str, Tensor]:
    """z 4, w 4, 8×8 pixels, 2 channels."""
    shapes: dict[str, tuple[int, ...]] = {"truncation.avg_latent": (4,)}
    shapes |= {"g_mapping.dense0.weight": (4, 4), "g_mapping.dense0.bias": (4,)}
    shapes |= {"g_synthesis.torgb.weight": (3, 2, 1, 1), "g_synthesis.torgb.bias": (3,)}
    shapes["g_synthesis.blocks.4x4.const"] = (1, 2, 4, 4)
    shapes["g_synthesis.blocks.4x4.bias"] = (2,)
    for size, layers in ((4, ("conv",)), (8, ("conv0_up", "conv1"))):
        block = f"g_synthesis.blocks.{size}x{size}"
        for layer in layers:
            shapes |= {f"{block}.{layer}.weight": (2, 2, 3, 3), f"{block}.{layer}.bias": (2,)}
        for half in (0, 1):
            shapes[f"{block}.epi{half + 1}.top_epi.noise.weight"] = (2,)
            shapes[f"g_style.style_layers.{size}x{size}_{half}.lin.weight"] = (4, 4)
            shapes[f"g_style.style_layers.{size}x{size}_{half}.lin.bias"] = (4,)
    return random_tensors(shapes)


def tensorflow_stylegan1() -> dict[str, Any]:
    """The same network as TensorFlow holds it, with a noise map a layer and an unused toRGB."""
    source = {name: value.numpy() for name, value in stylegan1_port().items()}
    variables: dict[str, Any] = {
        "dlatent_avg": source["truncation.avg_latent"],
        "mapping/Dense0/weight": source["g_mapping.dense0.weight"].T,
        "mapping/Dense0/bias": source["g_mapping.dense0.bias"],
        "synthesis/lod": np.float32(0),
        "synthesis/4x4/Const/const": source["g_synthesis.blocks.4x4.const"],
        "synthesis/ToRGB_lod1/weight": np.zeros((1, 1, 2, 3), np.float32),
        "synthesis/ToRGB_lod0/bias": source["g_synthesis.torgb.bias"],
        "synthesis/ToRGB_lod0/weight": source["g_synthesis.torgb.weight"].transpose(2, 3, 1, 0),
    }
    for i, (size, theirs, ours) in enumerate(
        (
            (4, "Const", ""),
            (4, "Conv", "conv."),
            (8, "Conv0_up", "conv0_up."),
            (8, "Conv1", "conv1."),
        )
    ):
        block, style = f"g_synthesis.blocks.{size}x{size}", f"g_style.style_layers.{size}x{size}"
        place, half = f"synthesis/{size}x{size}/{theirs}", i % 2
        variables[f"synthesis/noise{i}"] = np.full((1, 1, size, size), i, np.float32)
        noise = source[f"{block}.epi{half + 1}.top_epi.noise.weight"]
        variables[f"{place}/Noise/weight"] = noise
        variables[f"{place}/bias"] = source[f"{block}.{ours}bias"]
        variables[f"{place}/StyleMod/weight"] = source[f"{style}_{half}.lin.weight"].T
        variables[f"{place}/StyleMod/bias"] = source[f"{style}_{half}.lin.bias"]
        if ours:
            weight = source[f"{block}.{ours}weight"].transpose(2, 3, 1, 0)
            variables[f"{place}/weight"] = weight
    return variables


def dcgan_state() -> dict[str, Tensor]:
    """z 5, 8×8 pixels, 2 channels before the last layer."""
    return random_tensors(
        {
            "main.0.weight": (5, 2, 4, 4),
            "main.1.weight": (2,),
            "main.1.bias": (2,),
            "main.3.weight": (2, 3, 4, 4),
        }
    )


def bisenet_state() -> dict[str, Tensor]:
    return random_tensors(
        {
            "cp.conv_avg.conv.weight": (2, 2, 1, 1),
            "ffm.conv1.weight": (2, 2, 1, 1),
            "conv_out.conv_out.weight": (19, 2, 1, 1),
        }
    )


def biggan_state(blocks: int = 2) -> dict[str, Tensor]:
    """z and class of 4, 2 channels; the attention comes last."""
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.weight": (4, 6),
        "generator.gen_z.bias": (64,),
        "generator.conv_to_rgb.bias": (2,),
        "generator.bn.running_means": (51, 2),
        f"generator.layers.{blocks}.gamma": (),
    }
    for i in range(blocks):
        block, channels = f"generator.layers.{i}", (4, 4, 2)
        shapes[f"{block}.bn_0.running_means"] = (51, channels[i % 2])
        shapes |= {f"{block}.conv_0.bias": (1,), f"{block}.conv_3.bias": (channels[i % 2 + 1],)}
    return random_tensors(shapes)


def own_file() -> bytes:
    tensors = nvidia_stylegan2()
    facts = {
        "format": 1,
        "family": "stylegan2",
        "config": {"conv_clamp": 256.0},
        "sha256": checksum(tensors),
    }
    return safetensors.torch.save(tensors, metadata={"eclipsed_checkpoint": json.dumps(facts)})


# One file of every format, each of them a network that is known.
FILES: dict[str, Callable[[], bytes]] = {
    "nvidia_ada": lambda: nvidia_file(nvidia_stylegan2(), protocol=3, **ADA_KWARGS),
    "nvidia_stylegan3": lambda: nvidia_file(nvidia_stylegan3(), **SG3_KWARGS),
    "tensorflow_stylegan2": lambda: tensorflow_file(4, tensorflow_stylegan2(), {}),
    "tensorflow_stylegan1": lambda: tensorflow_file(3, tensorflow_stylegan1(), {}, protocol=2),
    "rosinality_zip": lambda: saved(converter_content()),
    "rosinality_old": lambda: saved(converter_content(), old=True),
    "e4e": lambda: saved(e4e_content()),
    "stylegan1_port": lambda: saved(stylegan1_port()),
    "dcgan": lambda: saved({"netG_state_dict": dcgan_state()}, old=True),
    "bisenet": lambda: saved(bisenet_state()),
    "biggan": lambda: saved(biggan_state(), old=True),
    "own": own_file,
    "bare_safetensors": lambda: safetensors.torch.save(nvidia_stylegan2()),
}
