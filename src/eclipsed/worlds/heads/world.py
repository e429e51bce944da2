"""The world of heads, from a folder of weights.

The weights do not come with the package yet; `python -m kits.heads.assemble` writes them.
"""

from __future__ import annotations

from pathlib import Path

from eclipsed.errors import BadFile
from eclipsed.types import Point, World
from eclipsed.worlds.built_in import BuiltIn, load_built_in
from eclipsed.worlds.heads import models
from eclipsed.worlds.heads.attributes import REGIONS
from eclipsed.worlds.heads.encoder import WORLD_HIDDEN, WORLD_TOWER
from eclipsed.worlds.heads.vocabulary import HEADS_PROMPTS, HEADS_VOCABULARY
from eclipsed.worlds.weights import RECORD

WEIGHTS = Path(__file__).parent / "weights"
# Eyes, nose and corners of the mouth of the median head, in fractions of its sides.
FRAME: tuple[Point, ...] = (
    (0.409, 0.425),
    (0.591, 0.425),
    (0.5, 0.539),
    (0.42, 0.628),
    (0.58, 0.628),
)

HEADS = BuiltIn(
    name="heads",
    tower=WORLD_TOWER,
    hidden=WORLD_HIDDEN,
    widths=models.WORLD_UNET,
    regions=REGIONS,
    judges=models.load_judges,
    vocabulary=HEADS_VOCABULARY,
    example_prompts=HEADS_PROMPTS,
    frame=FRAME,
    remake=models.REMAKE,
)


def load_heads(folder: Path = WEIGHTS, device: str = "cpu") -> World:
    """The world of heads from `folder`.

    Raises as `load_built_in`, and BadFile where the package has no weights of heads.
    """
    if folder == WEIGHTS and not (folder / RECORD).is_file():
        raise BadFile(
            "The weights of the world heads do not come with this version of eclipsed.",
            "Use starter, or give -w a folder that `python -m kits.heads.assemble` wrote.",
        )
    return load_built_in(HEADS, folder, device)
