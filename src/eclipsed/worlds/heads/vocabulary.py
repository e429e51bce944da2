"""Words for the regions of heads, and prompts that they answer; see vocabulary.toml.

The words of face parsing hold here as well; those that vocabulary.toml gives to a region belong to
that one only.
"""

from __future__ import annotations

from eclipsed.files import word_lists
from eclipsed.segmenters.labels import vocabulary_for
from eclipsed.worlds.heads.attributes import REGIONS

_TABLE = word_lists(__package__, "vocabulary.toml")


def _vocabulary() -> dict[str, tuple[str, ...]]:
    own: dict[str, list[str]] = _TABLE["regions"]
    claimed = {phrase for phrases in own.values() for phrase in phrases}
    return {
        region: (*(text for text in phrases if text not in claimed), *own.get(region, ()))
        for region, phrases in vocabulary_for(REGIONS).items()
    }


HEADS_VOCABULARY: dict[str, tuple[str, ...]] = _vocabulary()
HEADS_PROMPTS: tuple[str, ...] = tuple(_TABLE["example_prompts"])
