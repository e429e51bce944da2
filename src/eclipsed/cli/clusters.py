"""Verbs that make a segmenter without any weights: clusters of a generator's own features."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eclipsed.cli import console, options
from eclipsed.cli.loading import open_generator
from eclipsed.cli.wording import table

if TYPE_CHECKING:
    from eclipsed.segmenters.clusters import ClusterSegmenter

app = typer.Typer(
    help="Cut a generator's images into regions by its own features.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

FileArgument = Annotated[Path, typer.Argument(help="A file of clusters.", show_default=False)]


@app.command()
def make(
    out: Annotated[Path, options.out_file("The file to write: .safetensors.", ".safetensors")],
    count: Annotated[int, typer.Option(min=2, max=256, help="How many clusters.")] = 12,
    layer: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A feature, such as layer_7; may be given again."),
    ] = None,
    seeds: options.Seeds = None,
    seed: options.RandomSeed = 0,
    world: options.World = "starter",
    which: options.Class = None,
    generator: options.GeneratorFile = None,
    device: options.Device = "auto",
    as_json: options.Json = False,
) -> None:
    """Find clusters in what a generator draws.

    By default of the last feature of about 32 pixels (less for small images), in the images of
    seeds 0-49.
    """
    images = seeds or range(50)

    from eclipsed.segmenters.clusters import fit_clusters, usual_layer

    loaded = open_generator(world, generator, device, which)
    layers = layer or [usual_layer(loaded.generator)]
    clusters = fit_clusters(
        loaded.generator, images, layers, count, seed, truncation=loaded.truncation
    )
    clusters.save(out)
    facts = {
        "out": str(out),
        "clusters": count,
        "layers": list(clusters.feature_names),
        "seeds": len(images),
        "generator": {"name": loaded.generator.name, "fingerprint": clusters.generator_fingerprint},
    }
    where = [] if generator is None else ["--generator", str(generator)]
    look = ("clusters", "look", str(out), *where, "-o", "clusters.png")
    words = (
        f"wrote {out}: {count} clusters of {', '.join(layers)}\n"
        f"look at them: {console.command(*look, world=world)}"
    )
    console.result(facts, lambda _: words, as_json=as_json)


@app.command()
def look(
    file: FileArgument,
    out: options.Picture,
    seeds: options.Seeds = None,
    world: options.World = "starter",
    which: options.Class = None,
    generator: options.GeneratorFile = None,
    device: options.Device = "auto",
    as_json: options.Json = False,
) -> None:
    """Draw images beside their clusters, to see what to call them.

    By default the images of seeds 0-5.
    """
    images: Sequence[int] = seeds or range(6)
    options.check_images(len(images))

    from eclipsed.cli.cluster_sheet import cluster_sheet
    from eclipsed.editing.images import save_png
    from eclipsed.segmenters.clusters import ClusterSegmenter

    clusters = ClusterSegmenter.load(file)
    loaded = open_generator(world, generator, device, which)
    save_png(cluster_sheet(loaded.generator, clusters, images, truncation=loaded.truncation), out)
    hint = f"name them: {console.command('clusters', 'name', str(file))} 0=NAME 1,2=NAME"
    _report(clusters, out, hint, as_json=as_json)


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
        Path | None,
        options.out_file("Where to write; by default the same file.", ".safetensors"),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Give clusters names; several of one name form one region."""
    chosen: dict[int, str] = {}
    for numbers in map(options.parse_naming, names):
        if twice := sorted(numbers.keys() & chosen.keys()):
            raise typer.BadParameter(f"cluster {twice[0]} is named twice.", param_hint="NAMES")
        chosen |= numbers
    path = out or file
    options.check_writable(path)

    from eclipsed.segmenters.clusters import ClusterSegmenter

    clusters = ClusterSegmenter.load(file).named(chosen)
    clusters.save(path)
    hint = f'use them in a world\'s TOML file: segmenter = "{path.name}"'
    _report(clusters, path, hint, as_json=as_json)


def _report(clusters: ClusterSegmenter, out: Path, hint: str, *, as_json: bool) -> None:
    regions = {region: list(numbers) for region, numbers in clusters.groups.items()}
    rows = [
        [region, f"cluster{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}"]
        for region, numbers in regions.items()
    ]
    words = f"wrote {out}\n{table(rows)}\n{hint}"
    console.result({"out": str(out), "regions": regions}, lambda _: words, as_json=as_json)
