"""Draws heads exactly: images, and masks of the parts that show.

    Renderer(128).render(values)

Every picture is a pure function of its row of values: roots of hair, noise and random numbers are
fixed, so an attribute's slider is a film.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from eclipsed.worlds.heads.attributes import ATTRIBUTES, NAMES, REGIONS
from kits.heads import colors, hair, strokes, worn
from kits.heads.ground import SKULL, grounds
from kits.heads.hair import Style, draw_strands, grow
from kits.heads.light import Light, light_of, seen_from, with_shadows
from kits.heads.mesh import Floats, Ints, load_mesh
from kits.heads.raster import (
    NOWHERE,
    Camera,
    Canvas,
    ambient,
    normals,
    project,
    resolve,
    triangles_depth,
)
from kits.heads.shape import Posed, Values, pose, rest, smooth, wrinkling
from kits.heads.skin import BEARD, BROWS, COLLAR, EYES, HAIR, MOUTH, pack_look, shade_mesh
from kits.heads.strokes import Strands

_DISTANCE = 17.0  # dm from the camera to the origin: a portrait lens
_SCALE = 0.30  # of the picture per dm
_HEIGHT = 0.50  # dm above the origin of the picture's middle
_REFERENCE = 256  # samples across the picture for which widths of strands are told
_AMBIENT = (9, 0.55)  # radius at _REFERENCE, and the most it darkens
_FARTHEST = np.float32(-1.2)  # dm; what lies behind counts as this far, for ambient shade
_NOISE_SIZE = 32
_BALD = 0.012  # dm; shorter hair is only a tint of the scalp


@dataclass(frozen=True)
class Drawing:
    """Drawn heads.

    images: uint8 [N, H, W, 3]. masks: uint8 [N, R, H, W], share of each pixel that each of REGIONS
    shows; the shares of a pixel sum to 255.
    """

    images: NDArray[np.uint8]
    masks: NDArray[np.uint8]


@dataclass(frozen=True)
class Renderer:
    """resolution: pixels across. samples: across each pixel; 3 is smoother than 2 and slower."""

    resolution: int = 128
    samples: int = 2

    def render(self, values: NDArray) -> Drawing:
        """Draws N heads from values [N, K], columns as in NAMES, each from 0 to 1.

        Raises ValueError where values have another shape or leave the range.
        """
        values = np.asarray(values, dtype=np.float64)
        if values.ndim != 2 or values.shape[1] != len(NAMES):
            raise ValueError(f"values must be [N, {len(NAMES)}], not {list(values.shape)}")
        if not ((values >= 0) & (values <= 1)).all():
            raise ValueError("values must lie between 0 and 1")
        n, size = len(values), self.resolution
        images = np.zeros((n, size, size, 3), dtype=np.uint8)
        masks = np.zeros((n, len(REGIONS), size, size), dtype=np.uint8)
        for i, row in enumerate(values):
            p = dict(zip(NAMES, row.tolist(), strict=True))
            canvas, middle = draw(p, self.resolution * self.samples)
            resolve(canvas, middle, 0.42 * middle, self.samples, images[i], masks[i])
        return Drawing(images, masks)


def usual_values() -> Floats:
    """The row of an unremarkable adult, [K]."""
    return np.array([attribute.usual for attribute in ATTRIBUTES], dtype=np.float32)


@cache
def _noise() -> Floats:
    return np.random.default_rng(11).random((_NOISE_SIZE,) * 3).astype(np.float32)


@dataclass(frozen=True)
class _Scene:
    """The posed mesh with what is worn; arrays as in Mesh, one row per vertex or triangle."""

    posed: Posed
    skull_normals: Floats
    vertices: Floats
    normals: Floats
    flat: Floats
    fields: Floats
    triangles: Ints
    parts: Ints
    eyes: Floats


def _scene(p: Values) -> _Scene:
    mesh, posed = load_mesh(), pose(p)
    bare = normals(posed.vertices, mesh.triangles)
    vertices = posed.vertices + bare * worn.thickness(p)[:, None]
    triangles, parts, flat, fields = mesh.triangles, mesh.parts, rest(), grounds().fields
    if p["collar"] > 0:
        extra, faces, across = worn.collar(p, posed.vertices)
        triangles = np.concatenate([triangles, faces + len(vertices)])
        parts = np.concatenate([parts, np.full(len(faces), COLLAR, dtype=np.int32)])
        vertices, flat = np.concatenate([vertices, extra]), np.concatenate([flat, across])
        fields = np.concatenate([fields, np.zeros((len(extra), fields.shape[1]), np.float32)])
    eyes = np.stack([posed.vertices[eye].mean(0) for eye in mesh.eyes])
    full = normals(vertices, triangles)
    return _Scene(posed, bare, vertices, full, flat, fields, triangles, parts, eyes)


def _style(p: Values, scene: _Scene) -> Style:
    scale, neck = scene.posed.scale, scene.posed.neck
    centre = _skull_centre()
    eyes = (scene.eyes @ scene.posed.turn).mean(0) - centre
    low = (np.abs(scene.vertices[:, 0]) < 0.6) & (scene.vertices[:, 1] < neck[1] - 0.5 * scale)
    chest = scene.vertices[low, 2].max() * 0.55 if low.any() else 0.6
    curly = float(smooth(0.5, 0.95, p["hair_curl"]) * smooth(0.15, 0.65, p["hair_volume"]))
    return Style(
        length=hair.hair_length(p),
        volume=p["hair_volume"],
        curl=p["hair_curl"],
        layers=p["hair_layers"],
        fringe=p["fringe"],
        parting=(p["parting"] - 0.5) * 0.9,
        receded=hair.receded(p),
        afro=curly,
        hat_edge=worn.hat_edge(p),
        eyes=float(eyes[1]),
        neck_z=float((neck[2] + 0.1) * 0.6 - centre[2]),
        neck_radius=0.52 * scale,
        shoulders=float(neck[1] - 0.30 * scale - centre[1]),
        chest=float(chest - centre[2]),
        back=float(-0.55 - centre[2]),
    )


@cache
def _skull_centre() -> Floats:
    """Of the head's frame; heads are scaled so alike that one centre serves all."""
    joints = load_mesh().joints
    neck, head = rest()[joints["neck"]].mean(0), rest()[joints["head"]].mean(0)
    return (SKULL - 0.35 * neck - 0.65 * head).astype(np.float32)


def _grown_hair(p: Values, scene: _Scene) -> Strands:
    """Strands in the world, and how far each is alive."""
    ground, turn, centre = grounds(), scene.posed.turn, _skull_centre()
    roots = ground.hair
    local = roots.anchors.on(scene.posed.vertices) @ turn - centre
    upright = roots.anchors.on(scene.skull_normals) @ turn
    reach = ground.skull.on(scene.posed.vertices) @ turn - centre
    skull = np.linalg.norm(reach, axis=1).reshape(ground.skull_shape).astype(np.float32)
    strands, alive = grow(
        local.astype(np.float32),
        upright.astype(np.float32),
        roots.places,
        roots.fields[:, 0],
        roots.random,
        ground.locks,
        skull,
        _style(p, scene),
    )
    return ((strands + centre) @ turn.T).astype(np.float32), alive


def _look(p: Values, scene: _Scene) -> Floats:
    length = hair.hair_length(p)
    ahead = 0.45 * scene.posed.turn[:, 2] + np.array([0, 0.03, 0.55])
    gaze = ahead / np.linalg.norm(ahead)
    gaze = gaze + np.array([0.5 * (p["gaze_x"] - 0.5), 0.35 * (p["gaze_y"] - 0.5), 0])
    stubble = colors.beard_color(p)
    shirt = colors.shirt_color(p)
    look = {
        "blush": p["blush"],
        "wrinkles": wrinkling(p),
        "hollow": 2 * p["cheekbones"] - 1,
        "freckles": p["freckles"],
        "eye_shadow": p["eye_shadow"],
        "scalp": (1 - float(np.exp(-length / 0.012))) * (0.8 + 0.2 * min(1.0, length / 0.3)),
        "beard": p["beard"],
        "moustache": p["moustache"],
        "receded": hair.receded(p),
        "brow": strokes.brow_thickness(p),
        "neckline": p["neckline"],
        "jacket": p["jacket"],
        "hat_edge": worn.hat_edge(p),
        "skin": colors.skin_color(p),
        "lips": colors.lip_color(p),
        "hair": colors.hair_color(p),
        "stubble": stubble,
        "brows": colors.brow_color(p),
        "iris": colors.iris_color(p),
        "shirt": shirt,
        "coat": colors.mix(np.array([0.022, 0.024, 0.032]), 0.25 * shirt, 0.4),
        "hat": colors.hat_color(p),
        "gaze": gaze / np.linalg.norm(gaze),
        "left_eye": scene.eyes[0],
        "right_eye": scene.eyes[1],
    }
    return pack_look(look)


@dataclass(frozen=True)
class _Stage:
    """What drawing strands needs besides them. width: of a sample, told at _REFERENCE."""

    canvas: Canvas
    camera: Camera
    light: Light
    centre: Floats
    width: float


@dataclass(frozen=True)
class _Paint:
    """How strands look. dark: brightness of their roots. label: index into REGIONS."""

    color: colors.Color
    sheen: float
    dark: float
    thick: float
    label: int


def _draw_strands(
    stage: _Stage, strands: Strands, random: Floats, paint: _Paint, lift: float = 0.0
) -> None:
    """lift: dm towards the light, out of the skin's shadow."""
    points, alive = strands
    flat = np.ascontiguousarray(points, dtype=np.float32).reshape(-1, 3)
    seen = seen_from(flat, stage.light.view).reshape(points.shape)
    seen[..., 2] += np.float32(lift)
    draw_strands(
        stage.canvas,
        flat.reshape(points.shape),
        project(flat, stage.camera).reshape(points.shape),
        seen,
        alive,
        random,
        paint.color,
        paint.sheen,
        paint.dark,
        paint.thick * stage.width,
        paint.label,
        stage.light,
        stage.centre,
    )


def _draw_hair(stage: _Stage, p: Values, strands: Strands) -> None:
    length = hair.hair_length(p)
    dark = 0.80 - 0.42 * float(smooth(0.05, 0.6, length))
    thick = 1.7 + 0.8 * float(smooth(0.3, 1.2, length))
    sheen = 0.9 * (1 - 0.5 * p["hair_curl"])
    paint = _Paint(colors.hair_color(p), sheen, dark, thick, HAIR)
    _draw_strands(stage, strands, grounds().hair.random, paint)


def _draw_strokes(stage: _Stage, p: Values, scene: _Scene) -> None:
    """Beard, brows and lashes."""
    place = scene.posed.vertices, scene.skull_normals, scene.posed.turn
    ground = grounds()
    if max(p["beard"], p["moustache"]) > 0:
        stubble = 0.45 * max(0.0, 1 - 3 * p["beard_length"])
        color = colors.mix(0.75 * colors.beard_color(p), colors.skin_color(p), stubble)
        paint = _Paint(color, 0.4, 0.6, 1.4, BEARD)
        _draw_strands(stage, strokes.beard(p, *place), ground.beard.random, paint)
    paint = _Paint(colors.brow_color(p), 0.15, 0.9, 1.0, BROWS)
    _draw_strands(stage, strokes.brows(p, *place), ground.brows.random, paint, lift=0.06)
    lashes = strokes.lashes(scene.posed.vertices)
    even = np.full((len(lashes[1]), 5), 0.5, dtype=np.float32)
    thick = 1.0 - 0.35 * p["gender"] + 0.9 * p["eye_shadow"]
    black = np.array([0.012, 0.010, 0.009])
    _draw_strands(stage, lashes, even, _Paint(black, 0.0, 1.0, thick, EYES))


def landmarks(values: Floats) -> Floats:
    """Where eyes, tip of the nose and corners of the mouth of a head [K] lie, from left to right as
    seen, in fractions of the picture's sides: [5, 2]."""
    scene = _scene(dict(zip(NAMES, values.tolist(), strict=True)))
    vertices, masks = scene.posed.vertices, load_mesh().masks
    nose, lips = (vertices[masks[name] > 0.5] for name in ("nose", "lips"))
    corners = lips[[lips[:, 0].argmin(), lips[:, 0].argmax()]]
    eyes = scene.eyes[scene.eyes[:, 0].argsort()]
    points = np.concatenate([eyes, nose[[nose[:, 2].argmax()]], corners]).astype(np.float32)
    return project(points, Camera(1, _DISTANCE, _SCALE, _HEIGHT))[:, :2]


def _blank(size: int) -> Canvas:
    return Canvas(
        color=np.zeros((size, size, 3), dtype=np.float32),
        depth=np.full((size, size), NOWHERE, dtype=np.float32),
        label=np.zeros((size, size), dtype=np.int8),
    )


def _draw_mesh(canvas: Canvas, p: Values, scene: _Scene, camera: Camera, light: Light) -> None:
    size = canvas.depth.shape[0]
    number = np.full((size, size), -1, dtype=np.int32)
    weights = np.zeros((size, size, 2), dtype=np.float32)
    triangles_depth(project(scene.vertices, camera), scene.triangles, canvas.depth, number, weights)
    shade_mesh(
        canvas,
        number,
        weights,
        scene.triangles,
        scene.parts,
        scene.vertices,
        scene.normals,
        scene.flat,
        scene.fields,
        seen_from(scene.vertices, light.view),
        _look(p, scene),
        _noise(),
        light,
    )


def draw(p: Values, size: int) -> tuple[Canvas, colors.Color]:
    """One head on a canvas of size² samples, and the colour of the background's middle."""
    scene, canvas = _scene(p), _blank(size)
    camera = Camera(size, _DISTANCE, _SCALE * size, _HEIGHT)
    background = colors.background_color(p)
    light = light_of(p, background)
    strands = _grown_hair(p, scene) if hair.hair_length(p) > _BALD else None
    light = with_shadows(light, p["light_hard"], scene.vertices, scene.triangles, strands)
    _draw_mesh(canvas, p, scene, camera, light)
    centre = scene.posed.turn @ _skull_centre()
    stage = _Stage(canvas, camera, light, centre, size / _REFERENCE)
    if strands is not None:
        _draw_hair(stage, p, strands)
    _draw_strokes(stage, p, scene)
    radius, strength = _AMBIENT
    near = np.maximum(canvas.depth, _FARTHEST)
    ambient(canvas, near, max(2, round(radius * stage.width)), np.float32(strength), MOUTH)
    worn.draw_earrings(canvas, p, scene.posed, camera, light)
    worn.draw_glasses(canvas, p, scene.posed, scene.eyes, camera, light)
    return canvas, background
