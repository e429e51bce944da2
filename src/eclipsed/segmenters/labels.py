"""Regions in a person's words, for the labels that public segmentation networks were trained on.

Networks name the same part differently ("eye_g", "eyeglass"), split what people see as one thing
(left and right eye) and have labels nobody would type ("windowpane"). PARTS unites them; VOCABULARY
holds the words by which a prompt's region is chosen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eclipsed.errors import UnknownName
from eclipsed.files import word_lists
from eclipsed.text import listed

_LISTS = word_lists("eclipsed.segmenters", "labels.toml")

# Region → the labels that it unites; a label may belong to several regions.
PARTS: dict[str, frozenset[str]] = {
    region: frozenset(labels) for region, labels in _LISTS["parts"].items()
}
# Region → words and phrases that mean it.
VOCABULARY: dict[str, tuple[str, ...]] = {
    region: tuple(phrases) for region, phrases in _LISTS["vocabulary"].items()
}


def vocabulary_for(regions: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Region → words that mean it; a region that is not known is meant by its own name."""
    return {region: VOCABULARY.get(region, (region.replace("_", " "),)) for region in regions}


def _synonyms(label: str) -> list[str]:
    """ "Door;double;door" or "bed " as the plain names that one label goes by."""
    parts = label.lower().replace(";", ",").split(",")
    return [" ".join(part.split()) for part in parts if part.strip()] or ["unnamed"]


def group_labels(labels: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Region → the numbers of the labels that make it up.

    labels: a network's, in the order of its outputs; synonyms separated by commas or semicolons.
    Labels that no region of PARTS unites are regions of their own, under their first name.
    """
    names = [_synonyms(label) for label in labels]
    groups: dict[str, tuple[int, ...]] = {}
    for region, members in PARTS.items():
        numbers = tuple(n for n, known in enumerate(names) if not members.isdisjoint(known))
        if numbers:
            groups[region] = numbers
    united = {number for numbers in groups.values() for number in numbers}
    for number, known in enumerate(names):
        if number not in united:
            groups[known[0]] = (*groups.get(known[0], ()), number)
    return groups


def label_numbers(
    regions: Sequence[str], groups: Mapping[str, Sequence[int]], *, segmenter: str
) -> list[int]:
    """The numbers of all labels of some regions; UnknownName for a region that does not exist."""
    names = listed(regions)
    for region in names:
        if region not in groups:
            raise UnknownName(
                f"The segmenter '{segmenter}' has no region '{region}'.",
                f"Choose from {', '.join(groups)}.",
            )
    return sorted({number for region in names for number in groups[region]})
