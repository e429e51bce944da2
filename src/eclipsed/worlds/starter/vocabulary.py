"""Words for the starter world's regions, and prompts that it answers; see vocabulary.toml."""

from __future__ import annotations

from eclipsed.worlds.starter.attributes import read_table

_TABLE = read_table("vocabulary.toml")

STARTER_VOCABULARY: dict[str, tuple[str, ...]] = {
    region: tuple(words) for region, words in _TABLE["regions"].items()
}
STARTER_PROMPTS: tuple[str, ...] = tuple(_TABLE["example_prompts"])
