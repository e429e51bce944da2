"""A photo before and after an edit, and the difference outside the edit, side by side.

    python -m benchmarks.photos.picture FILE.png

The difference is shown 64 times as strong as it is; what may change is left grey.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import eclipsed
from benchmarks.photos.scenes import avatar, scene
from eclipsed import Direction, Edit

NUMBER = 5  # of the scene
CARD = "sunglasses"
HIGH, GAP = 360, 8  # pixels of the picture
TIMES = 64
_GREY = 128


def main(arguments: list[str]) -> None:
    """Write the picture."""
    world = eclipsed.load_world("starter")
    assert world.shipped is not None
    card = Direction.load(world.shipped / "cards" / f"{CARD}.safetensors")
    with tempfile.TemporaryDirectory() as folder:
        taken = scene(avatar(world, NUMBER), NUMBER, Path(folder), world.frame)
        photo = eclipsed.read_photo(taken.path)
        inversion = eclipsed.invert_photo(world, photo, **taken.where)
        edited = eclipsed.edit_photo(world, photo, inversion, Edit(card))
        out = Path(folder) / f"out{taken.path.suffix}"
        written = eclipsed.write_photo(edited.pasted, out)
        again = eclipsed.read_photo(out)
    before, after = (each.rgb.astype(np.int16) for each in (photo, again))
    outside = np.abs(after - before).max(axis=-1) * TIMES
    left, top, right, bottom = edited.pasted.box
    outside[top:bottom, left:right][edited.pasted.mask] = _GREY
    panels = [before, after, np.repeat(outside[..., None], 3, axis=-1)]
    pictures = [Image.fromarray(panel.clip(0, 255).astype(np.uint8)) for panel in panels]
    width = round(pictures[0].width * HIGH / pictures[0].height)
    sheet = Image.new("RGB", (3 * width + 2 * GAP, HIGH), "white")
    for index, picture in enumerate(pictures):
        small = picture.resize((width, HIGH), Image.Resampling.LANCZOS)
        sheet.paste(small, (index * (width + GAP), 0))
    sheet.save(arguments[0], optimize=True)
    kind = f"{photo.kind} of {photo.size[1]}×{photo.size[0]} pixels"
    print(f"{kind}: {written.changed} differ, {written.outside} of them outside the edit")


if __name__ == "__main__":
    main(sys.argv[1:])
