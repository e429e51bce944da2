"""From attributes to a posed head: weights of the morph targets, size, arms, turn of the head.

Positions are decimetres with the origin between neck and head; y points up, z to the camera.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from eclipsed.worlds.heads.attributes import ATTRIBUTES
from kits.heads.jit import compiled
from kits.heads.mesh import AGES, SEXES, SHAPES, SIDES, WEIGHTS, Floats, load_mesh

Values = Mapping[str, float]
USUAL: dict[str, float] = {attribute.name: attribute.usual for attribute in ATTRIBUTES}

YAW, PITCH, ROLL = np.radians([12.0, 6.0, 3.0])
_HEAD_HEIGHT = 2.19  # dm, from chin to crown, of everybody but for a remainder of _KEPT
_KEPT = 0.12
_ARM_ANGLE = -0.62  # radians; the base mesh stretches its arms out
_AGE_CORNERS = (0.0, 0.1875, 0.5, 1.0)  # where MakeHuman places AGES
_AGES = ((0.0, 0.14, 1.0), (0.13, 0.1875, 1.0))  # slider → MakeHuman's age; children change fast


@dataclass(frozen=True)
class Posed:
    """vertices: [V, 3]. turn: [3, 3], head frame to the world. scale: picture to mesh size.

    neck: the neck joint. pivot: the point of the mesh that became the origin.
    """

    vertices: Floats
    turn: Floats
    scale: float
    neck: Floats
    pivot: Floats


def smooth(low: float, high: float, x: NDArray | float) -> NDArray | float:
    """Cubic step from 0 at low to 1 at high."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _macro_weights(p: Values) -> dict[str, float]:
    """MakeHuman's rule: products of piecewise linear parts."""
    age = float(np.interp(p["age"], *_AGES))
    ages = {a: float(np.interp(age, _AGE_CORNERS, np.eye(4)[i])) for i, a in enumerate(AGES)}
    a, b = p["base_shape_a"], p["base_shape_b"]
    whole = max(1.0, a + b)
    shapes = dict(zip(SHAPES, (1 - (a + b) / whole, b / whole, a / whole), strict=True))
    bodies = {
        w: float(np.interp(p["weight"], (0, 0.5, 1), np.eye(3)[i])) for i, w in enumerate(WEIGHTS)
    }
    weights = {}
    for sex, share in zip(SEXES, (1 - p["gender"], p["gender"]), strict=True):
        for a_name, a_share in ages.items():
            for shape, s_share in shapes.items():
                weights[f"{shape}-{sex}-{a_name}"] = share * a_share * s_share
            for body, b_share in bodies.items():
                weights[f"{sex}-{a_name}-{body}"] = share * a_share * b_share
    return weights


class _Weights(dict[str, float]):
    """Sums of contributions to target weights."""

    def add(self, name: str, weight: float) -> None:
        self[name] = self.get(name, 0.0) + weight

    def pair(self, name: str, value: float, gain: float, ends: tuple[str, str] = ("decr", "incr")):
        """Signed `value` around 0 onto the two targets of a pair."""
        self.add(f"{name}-{ends[0]}", max(0.0, -value * gain))
        self.add(f"{name}-{ends[1]}", max(0.0, value * gain))

    def eyes(self, name: str, value: float, gain: float, ends: tuple[str, str] = ("decr", "incr")):
        for side in "lr":
            self.pair(f"{side}-{name}", value, gain, ends)

    def face(self, unit: str, weight: float) -> None:
        for side in SIDES:
            self.add(unit + side, weight)


def _detail_weights(p: Values, weights: _Weights) -> None:
    """Shape of the face; women's and men's differ in more than MakeHuman's own gender."""
    signed = {name: 2 * value - 1 for name, value in p.items()}
    male, fat = signed["gender"], signed["weight"]
    jaw = signed["jaw"] + 0.26 * male - 0.06
    chin, nose = signed["chin"] + 0.08 * male, signed["nose_size"] + 0.10 * male - 0.02
    weights.pair("head-scale-horiz", signed["face_width"], 0.7)
    weights.pair("head-fat", fat, 1.0)
    weights.pair("chin-width", jaw, 0.75)
    weights.pair("chin-bones", jaw, 0.55)
    weights.pair("chin-jaw-drop", chin, 0.6)
    weights.pair("chin-height", chin, 1.0)
    weights.pair("chin-prominent", chin, 0.55)
    weights.pair("head", 0.35 * male + 0.5 * signed["jaw"], 0.5, ("oval", "square"))
    weights.pair("nose-volume", nose, 0.9)
    weights.pair("nose-scale-vert", nose, 0.8)
    weights.pair("nose-scale-depth", nose, 0.9)
    weights.pair("nose-point-width", nose, 0.4)
    weights.pair("nose-scale-horiz", signed["nose_width"], 0.85)
    weights.pair("nose-nostrils-width", signed["nose_width"], 0.9)
    weights.pair("nose-width3", signed["nose_width"], 0.6)
    weights.pair("nose-hump", signed["nose_bridge"], 0.9)
    weights.pair("nose-width1", signed["nose_bridge"], 0.4)
    weights.pair("nose-width2", signed["nose_bridge"], 0.3)
    weights.pair("nose-point", signed["nose_tip"], 0.75, ("down", "up"))
    weights.pair("nose-base", signed["nose_tip"], 0.6, ("down", "up"))
    weights.eyes("ear-scale", p["ears_out"] - 0.4, 1.3)
    covered = float(smooth(0.35, 0.6, p["hair_length"]))
    weights.eyes("ear-wing", p["ears_out"] * (1 - 0.8 * covered), 1.4)
    weights.eyes("eye-scale", signed["eye_size"] + 0.36 - 0.14 * male, 0.75)
    weights.eyes("eye-trans", signed["eye_gap"], 0.7, ("in", "out"))
    weights.eyes("eye-corner2", signed["eye_tilt"], 1.1, ("down", "up"))
    weights.eyes("eye-corner1", -signed["eye_tilt"], 0.35, ("down", "up"))
    weights.eyes("cheek-bones", signed["cheekbones"], 1.5)
    weights.eyes("cheek-volume", fat - 0.4 * signed["cheekbones"], 0.55)
    weights.eyes("eye-bag", wrinkling(p), 0.4)
    weights.pair("head-age", wrinkling(p), 0.7)
    weights.pair("mouth-scale-horiz", signed["mouth_width"], 0.8)
    lips = signed["lip_full"] - 0.16 * male
    for end, gain in (("volume", 0.8), ("height", 0.7)):
        weights.pair(f"mouth-upperlip-{end}", lips, gain)
        weights.pair(f"mouth-lowerlip-{end}", lips, gain)
    weights.pair("mouth-cupidsbow", -male, 0.3)
    weights.pair("neck-scale-horiz", 0.2 * male, 0.7)
    weights.pair("neck-double", max(0.0, p["weight"] - 0.6), 1.0)


def _expression_weights(p: Values, weights: _Weights) -> None:
    """A resting face looks tired and grumpy unless lids and corners of the mouth are lifted."""
    smile = (p["smile"] - 0.4) / 0.6
    glad, sad = max(0.0, smile + 0.1), max(0.0, -(p["smile"] - 0.333) / 0.333)
    broad, opened = max(0.0, glad - 0.25), p["mouth_open"]
    weights.face("mouthSmile", 0.95 * glad)
    weights.face("cheekSquint", 0.65 * glad)
    weights.face("mouthDimple", 0.2 * glad)
    weights.face("mouthFrown", 0.95 * sad)
    weights.face("mouthUpperUp", 0.75 * broad + opened * (0.25 + 0.4 * glad))
    weights.face("mouthLowerDown", 0.65 * broad + 0.15 * opened)
    weights.face("mouthStretch", 0.2 * sad)
    weights.add("jawOpen", 0.75 * opened + 0.14 * broad)
    weights.add("mouthPucker", 0.95 * p["pucker"])
    lift = (p["brow_raise"] - 0.3) / 0.7
    weights.add("browInnerUp", 1.5 * max(0.0, lift) + 0.45 * sad)
    weights.face("browOuterUp", 1.5 * max(0.0, lift))
    weights.face("browDown", 0.8 * max(0.0, -lift) + 1.6 * p["frown"])
    weights.face("noseSneer", 0.4 * p["frown"])
    weights.face("eyeSquint", 0.25 * glad + 0.4 * p["frown"])
    opening = p["eye_open"]
    weights.face("eyeBlink", max(0.0, 1 - opening / 0.7))
    weights.face("eyeWide", 0.25 * min(1.0, opening / 0.7) + 0.9 * max(0.0, opening - 0.7) / 0.3)


def wrinkling(p: Values) -> float:
    """How wrinkled the skin is: by the attribute, and somewhat by age."""
    return 1 - (1 - p["wrinkles"]) * (1 - 0.55 * float(smooth(0.55, 1.0, p["age"])))


def target_weights(p: Values) -> dict[str, float]:
    """Name of a target → its weight."""
    weights = _Weights(_macro_weights(p))
    _detail_weights(p, weights)
    _expression_weights(p, weights)
    return weights


@cache
def _packed() -> tuple[dict[str, int], NDArray, NDArray, Floats]:
    targets = load_mesh().targets
    ends = np.cumsum([0] + [len(v) for v, _ in targets.values()])
    where = np.concatenate([v for v, _ in targets.values()])
    deltas = np.concatenate([d for _, d in targets.values()])
    return {name: i for i, name in enumerate(targets)}, ends, where, deltas


@compiled
def _accumulate(vertices, ends, where, deltas, chosen, weights):
    for number, target in enumerate(chosen):
        for j in range(ends[target], ends[target + 1]):
            for axis in range(3):
                vertices[where[j], axis] += weights[number] * deltas[j, axis]


def morph(weights: Mapping[str, float]) -> Floats:
    """Vertices [V, 3] of the mesh under the given target weights."""
    index, ends, where, deltas = _packed()
    used = {name: weight for name, weight in weights.items() if weight > 1e-6}
    vertices = load_mesh().vertices.copy()
    chosen = np.array([index[name] for name in used], dtype=np.int64)
    _accumulate(
        vertices, ends, where, deltas, chosen, np.array(list(used.values()), dtype=np.float32)
    )
    return vertices


@cache
def rest() -> Floats:
    """The usual head before it is posed, [V, 3]: places on it are told in its coordinates."""
    even = {"base_shape_a": 1 / 3, "base_shape_b": 1 / 3, "age": 0.4475, "smile": 0.4}
    return morph(target_weights(USUAL | even))


def rotation(yaw: float, pitch: float, roll: float) -> Floats:
    """Turn about y, after a nod about x, then a tilt about z; radians."""
    (cy, cp, cr), (sy, sp, sr) = np.cos([yaw, pitch, roll]), np.sin([yaw, pitch, roll])
    turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    nod = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    tilt = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return (tilt @ turn @ nod).astype(np.float32)


@cache
def _blends() -> tuple[Floats, Floats]:
    """Share of the head's turn, and of the arms' turn, at each vertex, [V, 1]."""
    x, y, z = rest().T
    head = smooth(5.65, 6.30, y + 0.3 * (z - 0.1))
    return head[:, None].astype(np.float32), smooth(1.35, 1.9, np.abs(x))[:, None].astype(
        np.float32
    )


def _height(vertices: Floats) -> float:
    mesh = load_mesh()
    lips = vertices[mesh.masks["lips"] > 0.5, 1].mean()
    eyes = np.mean([vertices[eye, 1].mean() for eye in mesh.eyes])
    return float(vertices[:, 1].max() - (2 * lips - eyes + 0.30 * (eyes - lips)))


def pose(p: Values) -> Posed:
    """The morphed mesh at the origin, turned, and scaled to nearly the same height of head."""
    mesh = load_mesh()
    vertices = morph(target_weights(p))
    neck, head = (vertices[mesh.joints[name]].mean(0) for name in ("neck", "head"))
    pivot = 0.35 * neck + 0.65 * head
    scale = (_HEAD_HEIGHT / _height(vertices)) ** (1 - _KEPT)
    vertices, neck = (vertices - pivot) * scale, (neck - pivot) * scale
    head_share, arm_share = _blends()
    side = np.sign(vertices[:, :1])
    joint = (arm_share[:, 0] > 0.02) & (arm_share[:, 0] < 0.5)
    shoulder = np.abs(vertices[joint]).mean(0) * [1, np.sign(vertices[joint, 1].mean()), 0]
    local = np.concatenate([np.abs(vertices[:, :1]), vertices[:, 1:]], axis=1) - shoulder
    lowered = local @ rotation(0, 0, _ARM_ANGLE).T + shoulder
    lowered[:, :1] *= side
    vertices = vertices * (1 - arm_share) + lowered * arm_share
    yaw = YAW * (2 * p["yaw"] - 1)
    turn = rotation(yaw, PITCH * (2 * p["pitch"] - 1), ROLL * (2 * p["roll"] - 1))
    body = rotation(yaw / 3, 0, 0)
    vertices = (vertices @ body.T) * (1 - head_share) + (vertices @ turn.T) * head_share
    return Posed(np.ascontiguousarray(vertices, np.float32), turn, float(scale), neck, pivot)
