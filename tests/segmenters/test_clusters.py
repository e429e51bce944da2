from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import Tensor

from eclipsed.errors import BadFile, BadSetting, UnknownName, WrongGenerator
from eclipsed.segmenters.clusters import (
    KEY,
    ClusterSegmenter,
    fit_clusters,
    holds_clusters,
    k_means,
    stacked,
    usual_layer,
)
from eclipsed.types import Layer, Noise, Segmenter, Space, Synthesis

SIZE = 32


class Squares:
    """A generator of squares on a ground; its features tell square, border and ground by channel.

    Where the square stands depends on the seed, so clusters must follow the features.
    """

    name = "squares"
    fingerprint = "5" * 64
    resolution = SIZE
    z_dim = 2
    feature_names = ("layer_0", "layer_1", "layer_2")
    device = torch.device("cpu")
    label = None
    precision = "float32"
    spaces = ("w",)

    def layers(self, space: Space) -> tuple[Layer, ...]:
        return (Layer("w", 2),)

    def sample(self, seeds: Any, truncation: float = 0.7, space: Space = "w+") -> Tensor:
        return torch.tensor([[2 + s * 5 % 7 * 2, 2 + s * 3 % 7 * 2] for s in seeds]).float()

    from_z = convert = of_class = spread = sample

    def synthesize(
        self,
        latents: Tensor,
        space: Space = "w+",
        noise: Noise = "const",
        features: Any = (),
        truncation: float = 1.0,
    ) -> Synthesis:
        kind = torch.stack([self.parts(row) for row in latents])
        image = (kind.float() - 1.0)[:, None].repeat(1, 3, 1, 1)
        random = torch.Generator().manual_seed(int(latents.sum()))
        made = {}
        for name, size, channels in (("layer_1", 16, 6), ("layer_2", 32, 4)):
            if name in features:
                base = torch.eye(3, channels)[kind].permute(0, 3, 1, 2)
                base = F.interpolate(base, (size, size), mode="nearest")
                grain = torch.randn(base.shape, generator=random)
                made[name] = 3.0 * base + 10.0 + 0.2 * grain
        return Synthesis(image, made)

    @staticmethod
    def parts(row: Tensor) -> Tensor:
        """[H, W]: 0 ground, 1 border, 2 square."""
        top, left = (int(v) for v in row)
        kind = torch.zeros(SIZE, SIZE, dtype=torch.long)
        kind[top : top + 16, left : left + 16] = 1
        kind[top + 4 : top + 12, left + 4 : left + 12] = 2
        return kind


@pytest.fixture(scope="module")
def clusters() -> ClusterSegmenter:
    return fit_clusters(Squares(), range(20), ["layer_1", "layer_2"], 3)


def made_for(segmenter: ClusterSegmenter, seeds: Any) -> Synthesis:
    generator = Squares()
    return generator.synthesize(generator.sample(seeds), features=segmenter.feature_names)


def test_clusters_are_the_parts_of_images_not_seen_before(clusters: ClusterSegmenter) -> None:
    assert isinstance(clusters, Segmenter)
    assert clusters.regions == ("cluster_0", "cluster_1", "cluster_2")
    generator = Squares()
    seeds = range(30, 36)
    made = made_for(clusters, seeds)
    truth = torch.stack([generator.parts(row) for row in generator.sample(seeds)])
    for part in range(3):
        inside = (truth == part).float()
        overlap = [
            float((mask * inside).sum() / torch.maximum(mask, inside).sum())
            for mask in (clusters.masks(made, [region]) for region in clusters.regions)
        ]
        assert max(overlap) > 0.85, (part, overlap)


def test_masks_are_at_the_images_size_and_divide_it(clusters: ClusterSegmenter) -> None:
    made = made_for(clusters, [3, 4])
    large = Synthesis(F.interpolate(made.image, (50, 70)).requires_grad_(), made.features)
    masks = torch.stack([clusters.masks(large, [region]) for region in clusters.regions])
    assert masks.shape == (3, 2, 50, 70)
    assert masks.dtype == torch.float32
    assert not masks.requires_grad
    assert torch.equal(masks.sum(dim=0), torch.ones(2, 50, 70))
    assert torch.equal(clusters.masks(large, clusters.regions[:2]), masks[0] + masks[1])
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(clusters.masks(large, clusters.regions[:1]), masks[0])
    with pytest.raises(UnknownName, match="no region 'hair'"):
        clusters.masks(large, ["hair"])


def test_a_synthesis_without_the_features_is_refused(clusters: ClusterSegmenter) -> None:
    image = torch.zeros(1, 3, 8, 8)
    with pytest.raises(BadSetting, match=r"'layer_1'.*features=\('layer_1', 'layer_2',\)"):
        clusters.masks(Synthesis(image), ["cluster_0"])
    wrong = {"layer_1": torch.zeros(1, 5, 4, 4), "layer_2": torch.zeros(1, 4, 4, 4)}
    with pytest.raises(BadSetting, match=r"10 channels.*have 9.*'squares'"):
        clusters.masks(Synthesis(image, wrong), ["cluster_0"])


def test_fitting_depends_on_nothing_but_its_seed() -> None:
    torch.manual_seed(1)
    first = fit_clusters(Squares(), range(6), ["layer_2"], 4, seed=7)
    torch.manual_seed(2)
    again = fit_clusters(Squares(), range(6), ["layer_2"], 4, seed=7)
    other = fit_clusters(Squares(), range(6), ["layer_2"], 4, seed=8)
    assert torch.equal(first.centres, again.centres)
    assert not torch.equal(first.centres, other.centres)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": []}, "images and features"),
        ({"layers": []}, "images and features"),
        ({"count": 1}, "cannot be 1 clusters"),
        ({"count": 10**6}, "between 2 and"),
    ],
)
def test_settings_that_make_no_clusters_are_refused(changes: Any, message: str) -> None:
    settings = {"seeds": range(2), "layers": ["layer_1"], "count": 2, **changes}
    with pytest.raises(BadSetting, match=message):
        fit_clusters(Squares(), **settings)


def test_clusters_are_named_by_number(clusters: ClusterSegmenter) -> None:
    named = clusters.named({0: "thing", 2: "thing"})
    assert named.names == ("thing", "cluster_1", "thing")
    assert named.regions == ("thing", "cluster_1")
    assert clusters.regions[0] == "cluster_0"
    synthesis = made_for(clusters, [5])
    expected = clusters.masks(synthesis, ["cluster_0", "cluster_2"])
    assert torch.equal(named.masks(synthesis, ["thing"]), expected)
    assert named.named({2: "square"}).names == ("thing", "cluster_1", "square")
    with pytest.raises(UnknownName, match=r"no cluster 3.*0 to 2"):
        clusters.named({3: "x"})
    with pytest.raises(BadSetting, match="must not be empty"):
        clusters.named({0: ""})


@pytest.mark.parametrize(("pixels", "layer"), [(32, "layer_1"), (128, "layer_2")])
def test_the_usual_layer_is_the_last_of_a_size_that_tells_parts_apart(
    pixels: int, layer: str
) -> None:
    generator = Squares()
    generator.feature_names = ("layer_1", "layer_2")
    generator.resolution = pixels
    assert usual_layer(generator) == layer
    generator.feature_names = ("layer_2", "layer_1", "layer_2")
    assert usual_layer(generator) == layer


# --- k-means ------------------------------------------------------------------------------------


@given(st.integers(2, 6), st.integers(0, 50))
def test_k_means_gives_directions_and_no_point_lies_nearer_to_another_set(
    count: int, seed: int
) -> None:
    random = torch.Generator().manual_seed(seed)
    points = F.normalize(torch.randn(80, 5, generator=random), dim=1)
    centres = k_means(points, count, torch.Generator().manual_seed(seed))
    torch.testing.assert_close(centres.norm(dim=1), torch.ones(count))
    labels = (points @ centres.t()).argmax(dim=1)
    # Settled: each centre is the direction of the mean of its own points.
    for number in labels.unique().tolist():
        mean = F.normalize(points[labels == number].sum(dim=0), dim=0)
        torch.testing.assert_close(centres[number], mean, rtol=0, atol=1e-4)


def test_k_means_finds_what_lies_apart() -> None:
    axes = torch.eye(4).repeat_interleave(25, dim=0)
    points = F.normalize(axes + 0.05 * torch.randn(100, 4), dim=1)
    for seed in range(10):
        centres = k_means(points, 4, torch.Generator().manual_seed(seed))
        assert sorted(centres.argmax(dim=1).tolist()) == [0, 1, 2, 3]


def test_k_means_bears_points_that_coincide_and_refuses_too_few() -> None:
    same = F.normalize(torch.ones(9, 3), dim=1)
    centres = k_means(same, 3, torch.Generator().manual_seed(0))
    assert bool(torch.isfinite(centres).all())
    with pytest.raises(BadSetting, match="2 positions cannot make 3"):
        k_means(same[:2], 3, torch.Generator().manual_seed(0))


def test_maps_of_several_sizes_are_brought_to_the_largest() -> None:
    features = {"a": torch.rand(2, 3, 4, 4), "b": torch.rand(2, 5, 8, 8)}
    joined = stacked(features, ["a", "b"])
    assert joined.shape == (2, 8, 8, 8)
    assert torch.equal(joined[:, 3:], features["b"])
    torch.testing.assert_close(joined[:, :3].mean(dim=(2, 3)), features["a"].mean(dim=(2, 3)))


# --- files --------------------------------------------------------------------------------------


def test_a_file_gives_back_what_was_saved(clusters: ClusterSegmenter, tmp_path: Path) -> None:
    file = tmp_path / "parts.safetensors"
    named = clusters.named({1: "Rand, äußerer"})
    named.save(file)
    assert holds_clusters(file)
    again = ClusterSegmenter.load(file)
    assert (again.names, again.feature_names, again.widths, again.name) == (
        named.names,
        named.feature_names,
        named.widths,
        named.name,
    )
    made = made_for(clusters, [8, 9])
    assert torch.equal(again.labels(made), named.labels(made))
    again.check(Squares())
    stranger = Squares()
    stranger.fingerprint = "6" * 64
    with pytest.raises(WrongGenerator, match="made for the generator 'squares'"):
        again.check(stranger)


def test_files_of_another_kind_and_damaged_ones_are_refused(
    clusters: ClusterSegmenter, tmp_path: Path
) -> None:
    file = tmp_path / "parts.safetensors"
    clusters.save(file)
    data, tensors = file.read_bytes(), load_file(file)
    facts = json.loads(
        json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"][KEY]
    )

    def refuse(message: str, **changes: Any) -> None:
        more = {k: v for k, v in changes.items() if k in tensors}
        said = {**facts, **{k: v for k, v in changes.items() if k not in tensors}}
        save_file({**tensors, **more}, file, {KEY: json.dumps(said)})
        with pytest.raises(BadFile, match=message):
            ClusterSegmenter.load(file)

    refuse("newer than this version", format=2)
    refuse("makes no sense", names=["a"])
    refuse("makes no sense", layers=[{"name": "layer_1", "width": 7}])
    refuse("makes no sense", layers=[])
    refuse("makes no sense", generator="squares")
    refuse("makes no sense", centres=torch.full_like(tensors["centres"], torch.nan))
    refuse("makes no sense", centres=torch.zeros(3, 2))
    save_file({"mean": tensors["centres"]}, file, {KEY: json.dumps(facts)})
    with pytest.raises(BadFile, match="makes no sense"):
        ClusterSegmenter.load(file)
    save_file(tensors, file, {KEY: "[1"})
    with pytest.raises(BadFile, match="makes no sense"):
        ClusterSegmenter.load(file)
    save_file(tensors, file)
    assert not holds_clusters(file)
    with pytest.raises(BadFile, match="not a file of clusters"):
        ClusterSegmenter.load(file)
    file.write_bytes(data[: len(data) // 2])
    with pytest.raises(BadFile, match="Cannot use"):
        ClusterSegmenter.load(file)
    with pytest.raises(BadFile, match="no such file"):
        ClusterSegmenter.load(tmp_path / "nothing")
    assert not holds_clusters(tmp_path / "nothing")
    assert not holds_clusters(tmp_path)
