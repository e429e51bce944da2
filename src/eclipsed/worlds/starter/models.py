"""The starter networks behind the project's Protocols, and how they lie on disk.

Weights are safetensors in fp16, the mapping network and what absorbs its offset in fp32. A folder
holds generator, encoder, segmenter and judges; `world.json` beside them holds the measured scores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from eclipsed.errors import BadFile, UnknownName
from eclipsed.generators.stylegan2 import StyleGAN2, StyleGAN2Config, SynthesisNetwork
from eclipsed.types import Claim, Synthesis, Verdict
from eclipsed.worlds.starter.attributes import GROUP, REGIONS
from eclipsed.worlds.starter.batches import JUDGED
from eclipsed.worlds.starter.networks import Classifier, TextImageModel, UNet
from eclipsed.worlds.starter.sizes import (
    JUDGE_HIDDEN,
    JUDGE_TOWER,
    JUDGE_UNET,
    ORACLE_TOWER,
    WORLD_HIDDEN,
    WORLD_TOWER,
    WORLD_UNET,
)

SIZE = 128
# Parts that other parts can cover, and the groups whose values do the covering.
COVERED = ("mouth", "eyes", "brows", "clothes")
COVERING = ("top", "glasses", "beard")


def _read(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except FileNotFoundError:
        raise BadFile(
            f"The weights file {path} is missing.",
            "Reinstall eclipsed or remake it with `make starter`.",
        ) from None
    except Exception:
        raise BadFile(
            f"The weights file {path} is damaged.",
            "Reinstall eclipsed or remake it with `make starter`.",
        ) from None


def _halve(module: nn.Module) -> dict[str, Tensor]:
    return {
        key: value.half().contiguous() if value.is_floating_point() else value.contiguous()
        for key, value in module.state_dict().items()
    }


def _fill(module: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    own = module.state_dict()
    for key, value in own.items():
        if key not in tensors or tensors[key].shape != value.shape:
            raise BadFile(
                f"The weights file {path} does not hold {key!r} of shape {list(value.shape)}.",
                "It was made for another version; remake it with `make starter`.",
            )
    module.load_state_dict({key: tensors[key].to(value.dtype) for key, value in own.items()})
    module.eval().requires_grad_(False)


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def save_generator(
    synthesis: SynthesisNetwork,
    mapping: Mapping[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]],
    path: Path,
) -> None:
    """Write synthesis (fp16) and mapping (fp32); affine biases absorb the mapping's offset `w_avg`."""
    tensors: dict[str, Tensor] = {
        key: torch.from_numpy(value.copy()) for key, value in mapping.items()
    }
    offset = tensors["mapping.w_avg"]
    for key, value in synthesis.state_dict().items():
        if key.endswith("resample_filter"):
            continue
        name = f"synthesis.{key}"
        tensors[name] = value.float().clone() if key.endswith("bias") else value.half()
        if key.endswith("affine.weight"):
            gain = 1 / value.shape[1] ** 0.5
            absorbed = (tensors[name].float() * gain) @ offset
            tensors[f"synthesis.{key.removesuffix('weight')}absorbed"] = absorbed
    for key in [k for k in tensors if k.endswith("absorbed")]:
        tensors[f"{key.removesuffix('absorbed')}bias"] -= tensors.pop(key)
    save_file({k: v.contiguous() for k, v in tensors.items()}, path, {"format": "pt"})


def load_generator_file(path: Path, *, name: str = "starter") -> StyleGAN2:
    """The starter generator from a file that `save_generator` wrote."""
    tensors = _read(path)
    try:
        channels = {
            int(key.split(".")[1][1:]): value.shape[0]
            for key, value in tensors.items()
            if key.endswith("conv1.weight")
        }
        layers = sum(key.startswith("mapping.fc") and key.endswith("weight") for key in tensors)
        config = StyleGAN2Config(
            resolution=max(channels),
            channels=channels,
            z_dim=tensors["mapping.fc0.weight"].shape[1],
            w_dim=tensors["mapping.w_avg"].shape[0],
            mapping_layers=layers,
            mapping_width=tensors["mapping.fc0.weight"].shape[0],
        )
    except (KeyError, ValueError):
        raise BadFile(f"The file {path} does not hold a starter generator.") from None
    return StyleGAN2.from_tensors(tensors, config, name=name)


class StarterEncoder(nn.Module):
    """Text and image towers over the frozen sentence encoder (eclipsed.types.Encoder)."""

    name = "starter"
    size = SIZE
    mean = (0.5, 0.5, 0.5)
    std = (0.5, 0.5, 0.5)

    def __init__(self, model: TextImageModel) -> None:
        super().__init__()
        self.model = model

    def encode_text(self, texts: Sequence[str]) -> Float[Tensor, "n e"]:
        from eclipsed.text import (
            sentence_encoder,
        )  # loading it costs seconds; images need none of it

        vectors = sentence_encoder().encode(list(texts)).to(self.model.scale.device)
        with torch.no_grad():
            return F.normalize(self.model.text(vectors), dim=1)

    def encode_image(self, images: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n e"]:
        images = images.clamp(-1, 1)
        if images.shape[-1] != SIZE:
            images = F.interpolate(images, (SIZE, SIZE), mode="bilinear", antialias=True)
        return self.encode_pixels(images)

    def encode_pixels(self, pixels: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n e"]:
        return F.normalize(self.model.image(pixels), dim=1)


class StarterSegmenter(nn.Module):
    """Region masks by a small U-Net (eclipsed.types.Segmenter)."""

    name = "starter"
    regions = REGIONS

    def __init__(self, network: UNet) -> None:
        super().__init__()
        self.network = network

    @torch.no_grad()
    def labels(self, images: Float[Tensor, "n 3 h w"]) -> Tensor:
        """Region numbers [N, H, W], indices into `regions`."""
        return self.network(images.clamp(-1, 1)).argmax(dim=1)

    @torch.no_grad()
    def masks(self, synthesis: Synthesis, regions: Sequence[str]) -> Float[Tensor, "n h w"]:
        unknown = [region for region in regions if region not in self.regions]
        if unknown:
            raise UnknownName(
                f"There is no region {unknown[0]!r} in this world.",
                f"Choose from {', '.join(self.regions)}.",
            )
        wanted = torch.tensor(
            [self.regions.index(r) for r in regions], device=synthesis.image.device
        )
        return torch.isin(self.labels(synthesis.image), wanted).float()


class StarterJudge(nn.Module):
    """Oracle, second encoder and second segmenter (eclipsed.types.Judge); used by scores only."""

    def __init__(
        self, oracle: Classifier, encoder: StarterEncoder, segmenter: StarterSegmenter, seen: Tensor
    ) -> None:
        super().__init__()
        self.oracle = oracle
        self.encoder = encoder
        self.segmenter = segmenter
        self.register_buffer("seen", seen)
        self.groups: Mapping[str, tuple[str, ...]] = JUDGED

    @cached_property
    def _hairy(self) -> Tensor:
        return torch.tensor([v.file is not None and v.region is None for v in GROUP["top"].values])

    @torch.no_grad()
    def attributes(self, images: Float[Tensor, "n 3 h w"]) -> Verdict:
        logits = self.oracle(images.clamp(-1, 1))
        chances = {group: value.softmax(dim=1) for group, value in logits.items()}
        best = {group: value.argmax(dim=1).cpu() for group, value in chances.items()}
        everywhere = torch.ones(len(images), dtype=torch.bool)
        visible = dict.fromkeys(self.groups, everywhere)
        seen = self.seen.cpu()
        for number, group in enumerate(COVERED):
            visible[group] = seen[
                number, best[group], best["top"], best["glasses"], best["beard"]
            ].bool()
        visible["clothes color"] = visible["clothes"]
        visible["hair color"] = self._hairy[best["top"]]
        return Verdict(probabilities=chances, visible=visible)

    @torch.no_grad()
    def features(
        self, images: Float[Tensor, "n 3 h w"], hidden: Float[Tensor, "n h w"]
    ) -> Float[Tensor, "n f"]:
        grey = images.clamp(-1, 1) * (1 - hidden.unsqueeze(1))
        tower = self.oracle.tower
        return tower.squeeze(tower.maps(grey)).flatten(1)  # type: ignore[no-any-return]

    def claim(self, prompt: str) -> Claim | None:
        from eclipsed.worlds.starter.claims import parse_claim  # needs the sentence encoder

        return parse_claim(prompt)


def save_encoder(model: TextImageModel, path: Path) -> None:
    """Write an encoder in fp16."""
    save_file(_halve(model), path, {"format": "pt"})


def load_encoder(path: Path) -> StarterEncoder:
    """The world's encoder from a file that `save_encoder` wrote."""
    model = TextImageModel(WORLD_TOWER, WORLD_HIDDEN)
    _fill(model, _read(path), path)
    return StarterEncoder(model).eval().requires_grad_(False)


def save_segmenter(network: UNet, path: Path) -> None:
    """Write a segmenter in fp16."""
    save_file(_halve(network), path, {"format": "pt"})


def load_segmenter(path: Path) -> StarterSegmenter:
    """The world's segmenter from a file that `save_segmenter` wrote."""
    network = UNet(WORLD_UNET, len(REGIONS))
    _fill(network, _read(path), path)
    return StarterSegmenter(network).eval().requires_grad_(False)


def save_judges(
    oracle: Classifier, encoder: TextImageModel, segmenter: UNet, seen: Tensor, path: Path
) -> None:
    """Write the three judges and the visibility table into one file."""
    parts = {"oracle": oracle, "encoder": encoder, "segmenter": segmenter}
    tensors = {f"{name}.{k}": v for name, part in parts.items() for k, v in _halve(part).items()}
    save_file(tensors | {"seen": seen.to(torch.uint8)}, path, {"format": "pt"})


def load_judges(path: Path) -> StarterJudge:
    """The judges from a file that `save_judges` wrote."""
    tensors = _read(path)
    oracle = Classifier(ORACLE_TOWER, {k: len(v) for k, v in JUDGED.items()})
    encoder, segmenter = TextImageModel(JUDGE_TOWER, JUDGE_HIDDEN), UNet(JUDGE_UNET, len(REGIONS))
    for name, part in {"oracle": oracle, "encoder": encoder, "segmenter": segmenter}.items():
        _fill(part, _under(tensors, f"{name}."), path)
    if "seen" not in tensors:
        raise BadFile(f"The weights file {path} lacks the table of what covers what.")
    judge = StarterJudge(
        oracle, StarterEncoder(encoder), StarterSegmenter(segmenter), tensors["seen"]
    )
    return judge.eval().requires_grad_(False)


def visibility_table() -> Tensor:
    """uint8 [COVERED, value, top, glasses, beard]: 1 where at least 60 % of the part shows.

    Exact, from the renderer, so that judging needs no renderer. Values past a group's last are 0.
    """
    from eclipsed.worlds.starter.renderer import Avatars, Renderer

    counts = {group: len(GROUP[group].values) for group in (*COVERED, *COVERING)}
    sizes = [counts[group] for group in COVERING]
    table = np.zeros((len(COVERED), max(counts[g] for g in COVERED), *sizes), dtype=np.uint8)
    grid = np.stack(np.meshgrid(*map(np.arange, sizes), indexing="ij"), axis=-1).reshape(-1, 3)
    renderer = Renderer(SIZE)
    for value in range(table.shape[1]):
        n = len(grid)
        weights = {
            name: np.zeros((n, len(g.values)), dtype=np.float32) for name, g in GROUP.items()
        }
        for column, group in enumerate(COVERING):
            weights[group][np.arange(n), grid[:, column]] = 1
        for name in set(GROUP) - set(COVERING):
            weights[name][:, min(value, weights[name].shape[1] - 1)] = 1
        plain = Avatars(weights, np.full(n, 0.3, np.float32), np.zeros((n, 2), np.float32))
        visible = renderer.render(plain).visible
        for number, group in enumerate(COVERED):
            if value < counts[group]:
                table[number, value] = visible[group].reshape(sizes)
    return torch.from_numpy(table)
