"""Where the latents come from that a verb works on: seeds, or files of latents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eclipsed.errors import BadFile

if TYPE_CHECKING:
    from torch import Tensor

    from eclipsed.types import Space, World

LatentsOption = Annotated[
    list[Path] | None,
    typer.Option("--latent", help="A latent in place of seeds: a .safetensors or .npy file."),
]


@dataclass(frozen=True, eq=False)
class Source:
    """Latents [N, D] of a space, what each is called, and what a recipe says of them."""

    latents: Tensor
    space: Space
    labels: tuple[str, ...]
    facts: dict[str, Any]


def check_source(
    seeds: object, files: Sequence[Path] | None, *, option: str, default: bool = False
) -> None:
    """Refuse both of seeds and files, and none of them unless there are default seeds."""
    if (seeds is not None and files) or not (default or seeds is not None or files):
        raise typer.BadParameter("give exactly one of them.", param_hint=f"{option} or --latent")


def open_source(
    world: World, seeds: Sequence[int], files: Sequence[Path] | None, truncation: float
) -> Source:
    """The latents of files, where there are any, or else of seeds.

    Raises BadFile for a file that holds no latent of the world's generator, or files of latents of
    different spaces.
    """
    if not files:
        return Source(
            world.generator.sample(seeds, space="z"),
            "z",
            tuple(str(seed) for seed in seeds),
            {"seeds": list(seeds), "truncation": truncation},
        )

    import torch

    from eclipsed.editing.latents import read_latent
    from eclipsed.editing.recipes import latent_facts
    from eclipsed.editing.starts import Start

    pairs = [read_latent(file, world.generator) for file in files]
    space = pairs[0][0]
    if any(other != space for other, _ in pairs):
        raise BadFile(
            "These latents are of different spaces.", "Give latents of one space, or one at a time."
        )
    facts = [
        latent_facts(Start.of(file.name, space, latent))
        for file, (_, latent) in zip(files, pairs, strict=True)
    ]
    return Source(
        torch.cat([latent for _, latent in pairs]),
        space,
        tuple(file.stem for file in files),
        facts[0] if len(facts) == 1 else {"latents": facts},
    )
