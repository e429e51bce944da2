"""Verbs that make a segmenter without any weights: clusters of a generator's own features."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eclipsed.cli import console
from eclipsed.cli.loading import check_place, open_generator, open_world
from eclipsed.cli.options import (
    MAX_IMAGES,
    DeviceName,
    DeviceOption,
    JsonOption,
    WorldOption,
    check_ending,
    parse_naming,
    parse_seed,
    parse_seeds,
)
from eclipsed.cli.wording import table

if TYPE_CHECKING:
    from eclipsed.segmenters.clusters import ClusterSegmenter
    from eclipsed.types import Generator

app = typer.Typer(
    help="Cut a generator's images into regions by its own features.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

USUAL_TRUNCATION = 0.7  # of a generator alone; a world has its own
MOST_CLUSTERS = 256

FileArgument = Annotated[Path, typer.Argument(help="A file of clusters.", show_default=False)]
GeneratorOption = Annotated[
    Path | None,
    typer.Option("--generator", help="A generator's file, where there is no world yet."),
]
SeedsOption = Annotated[str, typer.Option("--seeds", metavar="1,2,5-9", help="Images to look at.")]


@app.command()
def make(
    out: Annotated[Path, typer.Option("-o", "--out", help="The file to write: .safetensors.")],
    count: Annotated[
        int, typer.Option("--count", min=2, max=MOST_CLUSTERS, help="How many clusters.")
    ] = 12,
    layer: Annotated[
        list[str] | None,
        typer.Option(
            "--layer",
            metavar="NAME",
            help="A feature to look at, such as layer_7; may be given again. By default the last "
            "of about 32 pixels, less for small images.",
        ),
    ] = None,
    seeds: SeedsOption = "0-49",
    seed: Annotated[int, typer.Option("--seed", help="Of all chance.")] = 0,
    world: WorldOption = "starter",
    generator: GeneratorOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Find clusters in what a generator draws."""
    images, chance = parse_seeds(seeds), parse_seed(seed)
    check_place(check_ending(out, ".safetensors"))

    from eclipsed.segmenters.clusters import fit_clusters, usual_layer

    loaded, truncation = _opened(world, generator, device)
    layers = layer or [usual_layer(loaded)]
    made = fit_clusters(loaded, images, layers, count, chance, truncation=truncation)
    made.save(out)
    found = {
        "out": str(out),
        "clusters": count,
        "layers": list(made.feature_names),
        "seeds": len(images),
        "generator": {"name": made.generator_name, "fingerprint": made.generator_fingerprint},
    }
    where = f"-w {world}" if generator is None else f"--generator {generator}"
    console.result(
        found,
        as_json=as_json,
        words=lambda: (
            f"wrote {out}: {count} clusters of {', '.join(layers)}\n"
            f"look at them: eclipsed clusters look {out} {where} -o clusters.png"
        ),
    )


@app.command()
def look(
    file: FileArgument,
    out: Annotated[Path, typer.Option("-o", "--out", help="The picture to write.")],
    seeds: SeedsOption = "0-5",
    world: WorldOption = "starter",
    generator: GeneratorOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Draw images beside their clusters, to see what to call them."""
    images = parse_seeds(seeds)
    if len(images) > MAX_IMAGES:
        raise typer.BadParameter(f"that is more than {MAX_IMAGES} images.", param_hint="--seeds")
    check_place(check_ending(out, ".png"))

    from eclipsed.cli.cluster_sheet import cluster_sheet
    from eclipsed.editing.images import save_png
    from eclipsed.segmenters.clusters import ClusterSegmenter

    clusters = ClusterSegmenter.load(file)
    loaded, truncation = _opened(world, generator, device)
    save_png(cluster_sheet(loaded, clusters, images, truncation=truncation), out)
    _report(clusters, out, f"name them: eclipsed clusters name {file} 0=NAME …", as_json=as_json)


@app.command()
def name(
    file: FileArgument,
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NUMBERS=NAME …",
            help="Such as 3=roof 5,6=sky; clusters of one name are one region.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Where to write; by default the same file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Give clusters names; several of one name form one region."""
    chosen = _united(names)
    place = file if out is None else check_ending(out, ".safetensors")
    check_place(place)

    from eclipsed.segmenters.clusters import ClusterSegmenter

    named = ClusterSegmenter.load(file).named(chosen)
    named.save(place)
    hint = f'use them in a world\'s TOML file: segmenter = "{place.name}"'
    _report(named, place, hint, as_json=as_json)


def _united(names: list[str]) -> dict[int, str]:
    """All namings as one; a cluster that is named twice is wrong usage."""
    chosen: dict[int, str] = {}
    for text in names:
        told = parse_naming(text)
        twice = sorted(told.keys() & chosen.keys())
        if twice:
            raise typer.BadParameter(f"cluster {twice[0]} is named twice.", param_hint="NAMES")
        chosen |= told
    return chosen


def _opened(world: str, file: Path | None, device: DeviceName) -> tuple[Generator, float]:
    """The generator, and the truncation to draw it with."""
    if file is None:
        loaded = open_world(world, device)
        return loaded.generator, loaded.truncation
    if world != "starter":
        raise typer.BadParameter("give one of them.", param_hint="--world or --generator")
    return open_generator(file, device), USUAL_TRUNCATION


def _report(clusters: ClusterSegmenter, out: Path, hint: str, *, as_json: bool) -> None:
    found: dict[str, Any] = {
        "out": str(out),
        "regions": {region: list(numbers) for region, numbers in clusters.groups.items()},
    }
    rows = [
        [region, f"cluster{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}"]
        for region, numbers in clusters.groups.items()
    ]
    console.result(found, as_json=as_json, words=lambda: f"wrote {out}\n{table(rows)}\n{hint}")
