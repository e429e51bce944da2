"""The verb that writes a network of another tool as safetensors: convert."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eclipsed.cli import console, options
from eclipsed.cli.wording import network_rows, table


def convert(
    file: Annotated[Path, typer.Argument(help="A checkpoint of another tool.")],
    out: Annotated[Path, options.out_file("The .safetensors file to write.", ".safetensors")],
    as_json: options.Json = False,
) -> None:
    """Write a network's checkpoint as safetensors.

    Of the formats that are known, whatever the file is called; nothing in it is run.
    """
    options.check_writable(out, source=file)

    from eclipsed.checkpoints.reading import read_checkpoint
    from eclipsed.checkpoints.writing import write_checkpoint
    from eclipsed.generators.loading import describe_checkpoint

    checkpoint = read_checkpoint(file)
    write_checkpoint(checkpoint, out)
    facts = {"out": str(out), **describe_checkpoint(checkpoint)}
    del facts["kind"], facts["shapes"]
    console.result(facts, _words, as_json=as_json)


def _words(facts: console.Facts) -> str:
    rows = [
        ["was", facts["format"]],
        ["network", facts["family"]],
        ["tensors", f"{facts['tensors']} of {facts['numbers']:,} numbers"],
        *network_rows(facts),
    ]
    return f"wrote {facts['out']}\n{table(rows)}"
