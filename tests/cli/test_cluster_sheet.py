from __future__ import annotations

from typing import Any

import pytest
from PIL import Image

from eclipsed.cli.cluster_sheet import cluster_sheet
from eclipsed.errors import BadSetting, WrongGenerator
from eclipsed.segmenters.clusters import ClusterSegmenter, fit_clusters
from tests.segmenters.test_clusters import Squares


@pytest.fixture(scope="module")
def clusters() -> ClusterSegmenter:
    return fit_clusters(Squares(), range(20), ["layer_1", "layer_2"], 3)


def test_a_sheet_shows_every_image_beside_its_clusters(clusters: ClusterSegmenter) -> None:
    sheet = cluster_sheet(Squares(), clusters, [1, 2, 3])
    assert sheet.mode == "RGB"
    # Six cells wide (each image and its clusters) and taller than one row: the legend is below.
    cell = 96
    assert sheet.width > 6 * cell
    assert sheet.height > cell + 32
    legend = colours_of(sheet.crop((0, sheet.height - 80, sheet.width, sheet.height)))
    assert len(legend) >= 3
    united = clusters.named({0: "both", 1: "both"})
    fewer = cluster_sheet(Squares(), united, [1, 2, 3])
    below = colours_of(fewer.crop((0, fewer.height - 80, fewer.width, fewer.height)))
    assert len(below) == len(legend) - 1


def colours_of(picture: Image.Image) -> set[Any]:
    """Colours that cover a whole tile of a legend; letters and rounded corners do not."""
    counted = picture.getcolors(maxcolors=2**24) or []
    return {colour for count, colour in counted if count > 2000 and colour != (255, 255, 255)}


def test_regions_are_marked_where_they_are_widest(clusters: ClusterSegmenter) -> None:
    def letters(sheet: Image.Image) -> int:
        """White pixels, which only what is written on the painted image has."""
        painted = sheet.crop((20 + 192 + 6, 20, 20 + 2 * 192 + 6, 20 + 192))
        counted: list[Any] = painted.crop((12, 12, 180, 180)).getcolors(2**24) or []
        return sum(count for count, colour in counted if colour == (255, 255, 255))

    numbered = letters(cluster_sheet(Squares(), clusters, [3]))
    assert numbered > 0
    long = clusters.named(dict(enumerate(("field", "border", "square"))))
    assert letters(cluster_sheet(Squares(), long, [3])) > 2 * numbered


def test_a_sheet_needs_images_of_its_own_generator(clusters: ClusterSegmenter) -> None:
    stranger = Squares()
    stranger.fingerprint = "6" * 64
    with pytest.raises(WrongGenerator):
        cluster_sheet(stranger, clusters, [1])
    with pytest.raises(BadSetting, match="images to show"):
        cluster_sheet(Squares(), clusters, [])
