"""Writes the world of heads from the checkpoints of its networks, finished or not.

    python -m kits.heads.assemble FOLDER    # then: eclipsed sample -w FOLDER …

The record, world.json, says how far each training was, and what `kits.heads.evaluate` measured.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from eclipsed.errors import EclipsedError
from eclipsed.files import sha256_of, write_atomic
from eclipsed.generators.stylegan2 import SynthesisNetwork
from eclipsed.worlds.heads import encoder, models
from eclipsed.worlds.heads.attributes import REGIONS
from eclipsed.worlds.starter.networks import ImageTower, TextImageModel, UNet
from eclipsed.worlds.weights import ENCODER, FILES, FORMAT, GENERATOR, JUDGES, RECORD, SEGMENTER
from kits.fitting import averaged
from kits.heads.compare import newest
from kits.heads.design import mapping_tensors, written_out
from kits.heads.fit_generator import CONFIG
from kits.heads.recipe import JOBS, default_work
from kits.saving import save_generator, save_networks

Steps = dict[str, int]  # network → how many steps it was trained


def new_network(name: str) -> nn.Module:
    """One of JOBS' networks, untrained."""
    if name == "segmenter":
        return UNet(models.WORLD_UNET, len(REGIONS))
    if name == "judge-segmenter":
        return UNet(models.JUDGE_UNET, len(REGIONS))
    if name == "oracle":
        return ImageTower(models.ORACLE_TOWER)
    if name == "judge-encoder":
        return TextImageModel(encoder.JUDGE_TOWER, encoder.JUDGE_HIDDEN)
    return TextImageModel(encoder.WORLD_TOWER, encoder.WORLD_HIDDEN)


def read_checkpoints(work: Path) -> tuple[dict[str, nn.Module], Steps]:
    """The averaged networks of all trainings, and how many steps each has had.

    Raises EclipsedError where one has not begun; the encoder's text tower may still be its first.
    """
    networks, steps = {}, {}
    for name in ("segmenter", "encoder", "oracle", "judge-encoder", "judge-segmenter"):
        networks[name], steps[name] = averaged(new_network(name), work / f"{name}.safetensors")
    text, model = work / "encoder-text.safetensors", networks["encoder"]
    if text.exists():
        assert isinstance(model, TextImageModel)
        _, steps["encoder-text"] = averaged(model.text, text)
    return networks, steps


def write_world(folder: Path, work: Path) -> dict[str, Any]:
    """Write what the checkpoints in `work` amount to; returns the record, without scores."""
    stage, synthesis = newest(work)
    _silence(synthesis)
    networks, steps = read_checkpoints(work)
    folder.mkdir(parents=True, exist_ok=True)
    whole = written_out(synthesis, CONFIG)
    save_generator(whole, mapping_tensors(), folder / GENERATOR, half_mapping=True)
    save_networks({"": networks["encoder"]}, folder / ENCODER)
    save_networks({"": networks["segmenter"]}, folder / SEGMENTER)
    judges = ("oracle", "judge-encoder", "judge-segmenter")
    named = {f"{name.removeprefix('judge-')}.": networks[name] for name in judges}
    save_networks(named, folder / JUDGES)
    record = {
        "format": FORMAT,
        "world": "heads",
        "sha256": {name: sha256_of((folder / name).read_bytes()) for name in FILES},
        "bytes": {name: (folder / name).stat().st_size for name in FILES},
        "recipe": {"generator": stage, **_progress(steps)},
    }
    write_record(folder, record)
    return record


def _silence(synthesis: SynthesisNetwork) -> None:
    """Let blocks that no stage has trained yet add nothing to the enlarged picture."""
    for resolution in set(CONFIG.resolutions) - set(synthesis.resolutions):
        to_rgb = synthesis.get_submodule(f"b{resolution}.torgb")
        for parameter in (to_rgb.weight, to_rgb.bias):
            parameter.data.zero_()  # type: ignore[operator]
    synthesis.resolutions = CONFIG.resolutions


def _progress(steps: Steps) -> dict[str, str]:
    return {name: f"step {done} of {JOBS[name].schedule.steps}" for name, done in steps.items()}


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Write the record of a folder of weights."""
    write_atomic(folder / RECORD, (json.dumps(record, indent=2) + "\n").encode())


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Write the weights of the world of heads.")
    parser.add_argument("folder", type=Path, help="where the weights go")
    parser.add_argument("--work", type=Path, default=default_work(), help="checkpoints")
    chosen = parser.parse_args(arguments)
    try:
        record = write_world(chosen.folder, chosen.work)
    except EclipsedError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps({key: record[key] for key in ("bytes", "recipe")}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
