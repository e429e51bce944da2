"""Small encoders, segmenters and inverters as files that describe themselves, for any world.

The networks are the starter world's kinds at any size and for any regions: an image tower and a
text tower over the frozen sentence encoder, a small U-Net, and a head that reads latents off the
image tower. A file is safetensors in fp16; one
metadata string, JSON, says what the shapes of its tensors do not.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import Tensor, nn

from eclipsed.checkpoints.weights import fill, unfilled
from eclipsed.errors import BadFile
from eclipsed.files import (
    StrPath,
    hint_for,
    kind_of,
    read_bytes,
    read_tensors,
    shown,
    write_atomic,
)
from eclipsed.worlds.starter.models import SmallInverter, StarterEncoder, StarterSegmenter
from eclipsed.worlds.starter.networks import (
    InverterHead,
    TextImageModel,
    TowerConfig,
    UNet,
    feature_count,
)
from eclipsed.worlds.weights import Network

FORMAT = 1
# Keys of the metadata string.
ENCODER, SEGMENTER, INVERTER = "eclipsed_encoder", "eclipsed_segmenter", "eclipsed_inverter"
_MOST_BYTES = 64 * 2**20
_MOST = 4_096  # of anything that a file counts: channels, pixels, regions
_AGAIN = "Make the file again."


def save_small_encoder(model: TextImageModel, path: StrPath) -> None:
    """Write an encoder in fp16; raises BadFile when the place cannot be written."""
    hidden = model.text.inner.out_features
    _write(model, ENCODER, {"tower": asdict(model.image.config), "hidden": hidden}, path)


def load_small_encoder(path: StrPath) -> StarterEncoder:
    """The frozen encoder (eclipsed.types.Encoder) of a file that `save_small_encoder` wrote.

    Its name is the file's. Raises BadFile, with one sentence, for anything else.
    """
    tensors, facts = _read(path, ENCODER, "encoder")
    model = _build(lambda: _encoder_from(facts), tensors, path)
    return StarterEncoder(model, name=Path(path).stem).eval()


def save_small_segmenter(network: UNet, regions: Sequence[str], path: StrPath) -> None:
    """Write a segmenter in fp16, with the names of its regions in the order of its outputs.

    Raises BadFile when the place cannot be written, ValueError for other names than `regions_of`
    takes or another number of them than the network has outputs.
    """
    names = regions_of(list(regions))
    if len(names) != network.fine.out_channels:
        raise ValueError(f"{len(names)} names for {network.fine.out_channels} regions")
    widths = [layer.out_channels for layer in (network.right2[0], network.right1[0])]
    _write(
        network,
        SEGMENTER,
        {"regions": list(names), "widths": [*widths, network.bottom[0].out_channels]},
        path,
    )


def load_small_segmenter(path: StrPath) -> StarterSegmenter:
    """The frozen segmenter (eclipsed.types.Segmenter) of a file that `save_small_segmenter` wrote.

    Its name is the file's. Raises BadFile, with one sentence, for anything else.
    """
    tensors, facts = _read(path, SEGMENTER, "segmenter")
    network = _build(lambda: _segmenter_from(facts), tensors, path)
    regions = regions_of(facts["regions"])
    return StarterSegmenter(network, regions=regions, name=Path(path).stem).eval()


def save_small_inverter(head: InverterHead, encoder: StarterEncoder, path: StrPath) -> None:
    """Write an inverter in fp16, without the encoder's tower that it was trained on.

    Raises BadFile when the place cannot be written.
    """
    facts = {
        "features": head.inner.in_features,
        "hidden": head.inner.out_features,
        "rows": head.rows,
        "w_dim": head.w_dim,
        "encoder": encoder.fingerprint,
    }
    # In fp16 the mean latent, which may lie far from 0, would lose what tells images apart.
    _write(head, INVERTER, facts, path, "mean")


def load_small_inverter(path: StrPath, encoder: StarterEncoder) -> SmallInverter:
    """The frozen inverter (eclipsed.types.Inverter) of a file that `save_small_inverter` wrote.

    Its name is the file's. Raises BadFile, with one sentence, for anything else, and for an
    inverter that was trained on another encoder.
    """
    tensors, facts = _read(path, INVERTER, "inverter")
    if facts.get("encoder") != encoder.fingerprint:
        raise BadFile(
            f"The inverter {shown(path)} was trained on another encoder than '{encoder.name}'.",
            "Name the encoder that it was trained on.",
        )
    head = _build(lambda: _head_from(facts), tensors, path)
    if head.inner.in_features != feature_count(encoder.model.image.config):
        raise BadFile(f"The description in {shown(path)} makes no sense.", _AGAIN)
    return SmallInverter(encoder.model.image, head, name=Path(path).stem).eval()


def regions_of(names: Any) -> tuple[str, ...]:
    """Names of regions, checked: at least one, all different, none empty, on one line each.

    Raises ValueError for any other value.
    """
    if not isinstance(names, list) or not 1 <= len(names) <= _MOST or not all(map(_is_name, names)):
        raise ValueError("no list of proper names of regions")
    if len(set(names)) != len(names):
        raise ValueError("two regions of the same name")
    return tuple(names)


def _is_name(name: Any) -> bool:
    if not isinstance(name, str) or not name.strip() or len(name) > 100:
        return False
    return not any(unicodedata.category(character) in ("Cc", "Cs") for character in name)


def _encoder_from(facts: Mapping[str, Any]) -> TextImageModel:
    return TextImageModel(_tower_from(facts["tower"]), _count(facts["hidden"]))


def _head_from(facts: Mapping[str, Any]) -> InverterHead:
    features, hidden, rows, w_dim = (
        _count(facts[name]) for name in ("features", "hidden", "rows", "w_dim")
    )
    return InverterHead(features, hidden, rows=rows, w_dim=w_dim)


def _tower_from(tower: Mapping[str, Any]) -> TowerConfig:
    first, second, third, fourth = (_count(width) for width in tower["widths"])
    return TowerConfig(
        widths=(first, second, third, fourth),
        head=_count(tower["head"]),
        outputs=_count(tower["outputs"]),
        residual=tower["residual"] is True,
        size=_count(tower["size"]),
    )


def _segmenter_from(facts: Mapping[str, Any]) -> UNet:
    first, second, third = (_count(width) for width in facts["widths"])
    return UNet((first, second, third), len(regions_of(facts["regions"])))


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MOST:
        raise ValueError(f"{value!r} is no number of things")
    return value


def _write(
    module: nn.Module, key: str, facts: Mapping[str, Any], path: StrPath, *exact: str
) -> None:
    """exact: names of tensors that are not rounded to fp16."""
    tensors = {
        name: (value.half() if value.is_floating_point() and name not in exact else value)
        for name, value in module.state_dict().items()
    }
    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    write_atomic(path, save(tensors, {key: json.dumps({"format": FORMAT, **facts})}))


def _read(path: StrPath, key: str, what: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of a file and what its metadata string under `key` says."""
    data = read_bytes(path, limit=_MOST_BYTES)
    if kind_of(data) != "a safetensors file":
        raise BadFile(
            f"The file {shown(path)} is {kind_of(data)}, not an eclipsed {what}.",
            hint_for(kind_of(data)) or "Networks of others lie in a folder, with a config.json.",
        )
    try:
        tensors, metadata = read_tensors(data)
        facts = json.loads(metadata.get(key, "null"))
    except (BadFile, ValueError, RecursionError):
        raise BadFile(f"The {what} {shown(path)} is damaged or cut short.", _AGAIN) from None
    if not isinstance(facts, dict) or not isinstance(facts.get("format"), int):
        raise BadFile(f"The file {shown(path)} holds no {what} that eclipsed wrote.")
    if facts["format"] > FORMAT:
        raise BadFile(f"The {what} {shown(path)} is of a newer format.", "Upgrade eclipsed.")
    return tensors, facts


def _build(make: Callable[[], Network], tensors: Mapping[str, Tensor], path: StrPath) -> Network:
    """The network filled with the tensors, in float32, once all shapes are known to fit."""
    try:
        with unfilled():  # what a file asks for takes no memory before it is checked
            network = make()
    except (KeyError, TypeError, ValueError, RuntimeError):
        raise BadFile(f"The description in {shown(path)} makes no sense.", _AGAIN) from None
    try:
        fill(network, tensors, "network")
    except BadFile as error:
        raise BadFile(
            f"The file {shown(path)} does not hold what it describes. {error.message}", _AGAIN
        ) from error
    for name, value in network.state_dict().items():
        if not value.isfinite().all():
            raise BadFile(f"The tensor {name!r} in {shown(path)} holds no numbers.", _AGAIN)
    return network
