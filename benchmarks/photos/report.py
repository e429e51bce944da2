"""What the rows of a bench come to: a page of tables, and a plot of the ways to invert."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.photos.measuring import RING, Row

GOALS = {"reached": 0.85, "seam": 1.0, "tuned": 0.95}


def page(rows: Sequence[Row], world: str) -> str:
    """Markdown: every table, for each method that has rows."""
    methods = [method for method in ("encoder", "optimise", "tune") if of(rows, method)]
    first = rows[0] if rows else {}
    lines = [
        f"# Photos of {world}, there and back",
        "",
        "Figures that no network saw, drawn by the world's renderer and taken by a camera: 1 to 24 "
        "million pixels, other light, blur, noise, up to 12° turned; JPEG of quality 70 to 95, "
        "PNG, TIFF and lossless WebP, stored in several of EXIF's orientations. Where the figure "
        "is, is said as a user would, not found: half of the photos by five points, a quarter by a "
        "box, a quarter are the middle square. A photo is inverted once by each method, and edited "
        f"in {len(first.get('edits', {}))} directions of the world's own cards at strength 1.",
        "",
        "`python -m benchmarks.photos` measures and writes this page.",
    ]
    for method in methods:
        lines += ["", f"## Edited, inverted by {method}", "", *_edited(of(rows, method))]
    lines += ["", "## Ways to invert", "", *_inverted(rows, methods)]
    return "\n".join([*lines, "", *_failures(rows)]) + "\n"


def of(rows: Sequence[Row], method: str) -> list[Row]:
    """The rows of one method."""
    return [row for row in rows if row["method"] == method]


def edits_of(rows: Sequence[Row]) -> list[Row]:
    """Every edit, with its photo's facts."""
    return [{**row, **edit, "card": name} for row in rows for name, edit in row["edits"].items()]


def asked(edits: Sequence[Row]) -> list[Row]:
    """The edits of photos that lack the attribute, where the figure's own image reaches it."""
    return [edit for edit in edits if not edit["had"] and edit["seed_reaches"]]


def fraction(answers: Sequence[bool]) -> str:
    """How many say yes."""
    return f"{sum(answers)} of {len(answers)}" + (
        f" ({sum(answers) / len(answers):.1%})" if len(answers) else ""
    )


def _edited(rows: Sequence[Row]) -> list[str]:
    edits = edits_of(rows)
    files = [not edit["outside"] for edit in edits]
    reached = [edit["reached"] for edit in asked(edits)]
    seams = np.array([edit["seam"] for edit in edits])
    lines = [
        f"{len(rows)} photos, {len(edits)} files.",
        "",
        "| what | goal | measured |",
        "|---|---|---|",
        "| pixels outside the mask (in a JPEG outside the blocks it touches) are the same | 100% | "
        f"{fraction(files)} |",
        f"| attribute reached, where the figure's own image reaches it | ≥ 85% | "
        f"{fraction(reached)} |",
        f"| seam: mean change on a ring of {RING} pixels on both sides of the mask's edge, in "
        f"1/255 | ≤ 1 | {fraction((seams <= 1).tolist())}; median {np.median(seams):.2f}, worst "
        f"tenth {np.percentile(seams, 90):.2f}, worst {seams.max():.2f} |",
        f"| strength 0 is the file byte for byte | 100% | {fraction([r['zero'] for r in rows])} |",
        "| the photo's own file is untouched | 100% | "
        f"{fraction([r['untouched'] for r in rows])} |",
        "",
        "| direction | reached | by the seeds | seam, worst tenth | edit | error | ghosting |",
        "|---|---|---|---|---|---|---|",
    ]
    for card in rows[0]["edits"]:
        some = [edit for edit in edits if edit["card"] == card]
        lacking = [edit["seed_reaches"] for edit in some if not edit["had"]]
        lines.append(
            f"| {card} | {fraction([edit['reached'] for edit in asked(some)])} | "
            f"{fraction(lacking)} | {_both(some, 'seam', 90)} | {_both(some, 'edit', 10)} | "
            f"{_both(some, 'error', 90)} | {_both(some, 'ghosting', 90)} |"
        )
    for key in ("way", "file"):
        lines += ["", f"| {key} | photos | reached | outside | seam | ghosting |"]
        lines.append("|---|---|---|---|---|---|")
        for value in sorted({row[key] for row in rows}):
            some = [edit for edit in edits if edit[key] == value]
            lines.append(
                f"| {value} | {sum(row[key] == value for row in rows)} | "
                f"{fraction([edit['reached'] for edit in asked(some)])} | "
                f"{sum(edit['outside'] for edit in some)} | {_both(some, 'seam', 90)} | "
                f"{_both(some, 'ghosting', 90)} |"
            )
    return lines


def _both(rows: Sequence[Row], key: str, tenth: int) -> str:
    """The median and the worst tenth."""
    values = [row[key] for row in rows]
    return f"{np.median(values):.3g}, {np.percentile(values, tenth):.3g}"


_SCORES = (("psnr", 10), ("distance", 90), ("latent_distance", 90), ("seconds", 90), ("busy", 90))


def _inverted(rows: Sequence[Row], methods: Sequence[str]) -> list[str]:
    """All methods on the photos that all of them have; median, worst tenth."""
    numbers = set.intersection(*({r["number"] for r in of(rows, m)} for m in methods))
    lines = [
        f"On the {len(numbers)} photos that were inverted by all of them; median, worst tenth. "
        "Distance: of the judge's feature maps, normalised over channels as LPIPS does it. Of the "
        "seconds, those that a core was busy for stand last.",
        "",
        "| method | PSNR, dB | distance | latent distance | seconds | busy |",
        "|---|---|---|---|---|---|",
    ]
    for method in methods:
        some = [row["inversion"] for row in of(rows, method) if row["number"] in numbers]
        values = " | ".join(_both(some, key, tenth) for key, tenth in _SCORES)
        lines.append(f"| {method} | {values} |")
    better = tuned_better(rows)
    if better:
        lines += ["", f"Tuning is better than its start, in both: {fraction(better)} (goal ≥ 95%)."]
    return lines


def tuned_better(rows: Sequence[Row]) -> list[bool]:
    """For each photo that was tuned, whether PSNR and distance are better than before it."""
    start = {row["number"]: row["inversion"] for row in of(rows, "optimise")}
    return [
        row["inversion"]["psnr"] > start[row["number"]]["psnr"]
        and row["inversion"]["distance"] < start[row["number"]]["distance"]
        for row in of(rows, "tune")
        if row["number"] in start
    ]


def _failures(rows: Sequence[Row]) -> list[str]:
    edits = edits_of(rows)
    missed = [edit for edit in asked(edits) if not edit["reached"]]
    seams = [edit for edit in edits if edit["seam"] > GOALS["seam"]]
    spoilt = [edit for edit in edits if edit["outside"]]
    lines = ["## Failures", ""]
    for words, some in (("not reached", missed), ("seam", seams), ("pixels outside", spoilt)):
        lines += [f"{words}: {len(some)}", ""]
        lines += [
            f"- {edit['card']} on {edit['number']}, {edit['method']}: {edit['file']} of "
            f"{edit['megapixels']} megapixels by {edit['way']}, "
            f"{edit['inversion']['psnr']:.1f} dB, seam {edit['seam']:.2f}, ghosting "
            f"{edit['ghosting']:.2f}"
            for edit in some
        ]
        lines += [""] if some else []
    return lines


def plot(rows: Sequence[Row], path: Path) -> None:
    """Seconds against PSNR and against the judge's distance, a dot for each photo."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.4), layout="constrained")
    axes: Any = figure.subplots(1, 2)
    for method in ("encoder", "optimise", "tune"):
        some = [row["inversion"] for row in of(rows, method)]
        seconds = [max(each["busy"], 0.01) for each in some]
        for axis, key in zip(axes, ("psnr", "distance"), strict=True):
            axis.scatter(seconds, [each[key] for each in some], s=9, alpha=0.6, label=method)
    axes[0].set(xscale="log", xlabel="seconds of one core", ylabel="PSNR in dB")
    axes[1].set(xscale="log", xlabel="seconds of one core", ylabel="distance by the judge")
    axes[0].legend()
    figure.savefig(path, dpi=100)
