"""Generated heads beside exact renders of the same held-out people: scores and a sheet.

    python -m kits.heads.compare sheet.png

Reads the newest checkpoint of the generator, also while it is still being trained.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from eclipsed.errors import EclipsedError
from eclipsed.evaluation.metrics import psnr, ssim
from eclipsed.generators.stylegan2 import SynthesisNetwork
from eclipsed.worlds.heads.attributes import REGIONS
from kits.fitting import averaged, to_images
from kits.heads.design import codes_from_values
from kits.heads.fit_generator import CONFIG, STAGES, new_networks
from kits.heads.population import Floats
from kits.heads.recipe import default_work
from kits.heads.store import Rows, default_folder, read

PEOPLE = 256
_BATCH = 32


def newest(folder: Path) -> tuple[str, SynthesisNetwork]:
    """The name of the last stage with a checkpoint, and its averaged network."""
    paths = [folder / f"generator-{number}.safetensors" for number in range(len(STAGES))]
    present = [number for number, path in enumerate(paths) if path.exists()]
    if not present:
        raise EclipsedError(
            f"No generator of heads has been trained in {folder}.",
            "Train one with: python -m kits.heads.recipe --only generator",
        )
    network, step = averaged(new_networks(0, "cpu")[1], paths[present[-1]])
    resolution = STAGES[present[-1]].resolution
    network.resolutions = tuple(r for r in CONFIG.resolutions if r <= resolution)
    return f"stage {present[-1]}, step {step}", network


@torch.no_grad()
def generated(network: SynthesisNetwork, values: Floats) -> Tensor:
    """What a network in training draws of people [N, WIDTH]: images [N, 3, R, R] in [-1, 1]."""
    codes = torch.from_numpy(codes_from_values(values))
    batches = [network(network.styles(part), noise="const")[0] for part in codes.split(_BATCH)]
    return torch.cat(batches).clamp(-1, 1)


def scores(network: SynthesisNetwork, rows: Rows) -> dict[str, object]:
    """How close generated images of held-out people are to their renders, at the image's size."""
    images = generated(network, rows["values"])
    targets = to_images(rows["image"])
    labels = torch.from_numpy(rows["label"])
    factor = targets.shape[-1] // images.shape[-1]
    targets = torch.nn.functional.avg_pool2d(targets, factor)
    error = (images - targets).abs().mean(dim=1)
    region = labels[:, ::factor, ::factor]
    return {
        "resolution": images.shape[-1],
        "people": len(rows),
        "psnr": round(float(psnr(images, targets).mean()), 2),
        "ssim": round(float(ssim(images, targets).mean()), 4),
        "l1": round(float(error.mean()), 4),
        "l1 by region": {
            name: round(float(error[region == number].mean()), 4)
            for number, name in enumerate(REGIONS)
            if (region == number).any()
        },
    }


def sheet(network: SynthesisNetwork, rows: Rows, columns: int = 8, zoom: int = 1) -> Image.Image:
    """Rows of renders, each above a row of generated images of the same people."""
    images = generated(network, rows["values"])
    size = rows["image"].shape[1]
    images = torch.nn.functional.interpolate(images, size=(size, size), mode="nearest")
    drawn = ((images + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    lines = []
    for start in range(0, len(rows) - len(rows) % columns, columns):
        part = slice(start, start + columns)
        lines += [np.concatenate(list(rows["image"][part]), axis=1)]
        lines += [np.concatenate(list(drawn[part]), axis=1)]
    picture = Image.fromarray(np.concatenate(lines))
    return picture.resize((picture.width * zoom, picture.height * zoom), Image.Resampling.NEAREST)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Compare generated heads with renders.")
    parser.add_argument("sheet", type=Path, help="the picture to write")
    parser.add_argument("--work", type=Path, default=default_work())
    parser.add_argument("--store", type=Path, default=default_folder())
    parser.add_argument("--zoom", type=int, default=1)
    chosen = parser.parse_args(arguments)
    try:
        name, network = newest(chosen.work)
        people = read(chosen.store, held_out=True)
    except EclipsedError as error:
        print(error, file=sys.stderr)
        return 1
    rows = people.take(np.arange(min(PEOPLE, len(people))))
    print(json.dumps({"generator": name} | scores(network, rows), indent=2))
    sheet(network, rows[:24], zoom=chosen.zoom).save(chosen.sheet)
    return 0


if __name__ == "__main__":
    sys.exit(main())
