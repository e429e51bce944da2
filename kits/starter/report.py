"""Makes docs/starter.md of `world.json`: what the starter world is and how good it is.

    python -m kits.starter.report    # writes the page and its pictures anew

The words are in `page.md`; every number comes from the record, and what is weak is picked out of
it, not by hand.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from eclipsed.errors import BadFile
from eclipsed.files import shown, write_atomic
from eclipsed.generators.stylegan2 import StyleGAN2
from eclipsed.worlds.starter.attributes import GROUPS, REGIONS
from eclipsed.worlds.starter.world import WEIGHTS, load_starter
from eclipsed.worlds.weights import read_record
from kits.starter.captions import foreign_sentences
from kits.starter.design import BAND, ROWS, W_DIM
from kits.starter.population import WIDTH
from kits.starter.sheets import save_sheets

DOCS = Path(__file__).parents[2] / "docs"
PAGE = "starter.md"
TEMPLATE = Path(__file__).parent / "page.md"
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """One number of the world: what a first trial reached, what it must be, what it should be.

    More is better, always.
    """

    name: str
    prototype: float
    floor: float
    target: float
    measured: Callable[[Record], float | None]
    digits: int = 3


def _at(*path: str) -> Callable[[Record], float | None]:
    """Finds a number in the scores."""

    def find(scores: Record) -> float | None:
        value: Any = scores
        for key in path:
            value = value[key]
        return None if value is None else float(value)

    return find


def _drop(scores: Record, group: str) -> float | None:
    """The oracle's accuracy on generated images minus that on renders."""
    oracle = scores["oracle"]
    made, drawn = oracle["on generated"][group], oracle["on renders"][group]
    return None if made is None or drawn is None else round(made - drawn, 3)


def _worst_drop(scores: Record) -> float | None:
    others = [g for g in scores["oracle"]["on renders"] if g not in ("mouth", "eyes", "mean")]
    drops = [drop for drop in (_drop(scores, group) for group in others) if drop is not None]
    return min(drops, default=None)


_ORACLE = "oracle, generated images minus renders"
_IOU = "segmenter, mean IoU"
_ZERO = "encoder, zero-shot"
_ENCODER = ("encoder", "world")
_CLEAN = ("generator", "from z", "psi 1.0", "clean, mean of groups")
LINES: tuple[Line, ...] = (
    Line("generator, PSNR in dB", 26.9, 28.0, 30.0, _at("generator", "psnr"), 2),
    Line("generator, SSIM", 0.89, 0.91, 0.93, _at("generator", "ssim")),
    Line(f"{_ORACLE}, mouth", -0.16, -0.08, -0.05, lambda scores: _drop(scores, "mouth")),
    Line(f"{_ORACLE}, eyes", -0.09, -0.08, -0.05, lambda scores: _drop(scores, "eyes")),
    Line(f"{_ORACLE}, worst other", -0.05, -0.03, -0.03, _worst_drop),
    Line(f"{_IOU}, renders", 0.87, 0.88, 0.90, _at("segmenter", "world on renders", "mean")),
    Line(f"{_IOU}, generated", 0.83, 0.85, 0.88, _at("segmenter", "world on generated", "mean")),
    Line(f"{_ZERO}, seen phrasings", 0.75, 0.80, 0.85, _at(*_ENCODER, "seen", "zero-shot")),
    Line(f"{_ZERO}, held-out", 0.65, 0.70, 0.75, _at(*_ENCODER, "held-out", "zero-shot")),
    Line("encoder, AUC, held-out phrasings", 0.89, 0.92, 0.94, _at(*_ENCODER, "held-out", "auc")),
    Line("random z, groups with one value alone", 0.96, 0.85, 0.85, _at(*_CLEAN)),
)


def page(record: Record) -> str:
    """The whole of docs/starter.md; raises BadFile when the record has no scores."""
    if "scores" not in record:
        raise BadFile("The record of this world has no scores.", "Run `make starter` to its end.")
    scores = record["scores"]
    words = _design() | _population(scores["population"]) | _scores(scores) | _training(record)
    words |= {"prompts": _prompts(record["prompts"]) if "prompts" in record else _UNMEASURED}
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(words)


def write_report(weights: Path, docs: Path) -> None:
    """Write the page and its pictures about the world in a folder of weights into `docs`.

    Raises BadFile when the world or the place is not usable.
    """
    if not docs.is_dir():
        raise BadFile(f"There is no folder {shown(docs)}.", "Run this in a checkout.")
    text = page(read_record(weights))
    generator = load_starter(weights).generator
    assert isinstance(generator, StyleGAN2)
    (docs / "pictures").mkdir(exist_ok=True)
    save_sheets(generator, docs / "pictures")
    write_atomic(docs / PAGE, text.encode())


def _number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}%"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _design() -> dict[str, str]:
    groups = sorted(GROUPS, key=lambda group: ROWS[group.kind].start)
    head = ["group", "rows of W+", "region", "values"]
    return {
        "width": str(WIDTH),
        "w_dim": str(W_DIM),
        "band": f"{BAND:g}",
        "rows": ", ".join(f"{kind} in {own.start}–{own.stop - 1}" for kind, own in ROWS.items()),
        "groups": _table(head, [[g.name, g.kind, g.region, ", ".join(g.names)] for g in groups]),
        "regions": ", ".join(REGIONS),
    }


def _population(population: Record) -> dict[str, str]:
    couplings = [
        [_shows(*given), _shows(*then), _percent(everybody), _percent(some)]
        for given, then, everybody, some in population["couplings"]
    ]
    shares = [
        [group, ", ".join(f"{value} {_percent(share)}" for value, share in _most_first(own))]
        for group, own in population["shares"].items()
    ]
    return {
        "draws": f"{population['draws']:,}",
        "couplings": _table(["of those with", "show", "of everybody", "of them"], couplings),
        "shares": _table(["group", "values"], shares),
    }


def _shows(group: str, value: str) -> str:
    return f"no {group}" if value == "none" else f"{group}: {value}"


def _most_first(numbers: Mapping[str, float | None]) -> list[tuple[str, float]]:
    known = [(name, value) for name, value in numbers.items() if value is not None]
    return sorted(known, key=lambda item: -item[1])


def _scores(scores: Record) -> dict[str, str]:
    mixed = scores["generator"]["style-mixed and edited"]
    return {
        "images": str(scores["images"]),
        "phrasings": str(scores["phrasings"]),
        "lines": _lines(scores),
        "weak": "\n".join(f"- {item}" for item in _weak(scores)),
        "truncations": _truncations(scores["generator"]["from z"]),
        "strengths": _strengths(scores["generator"]["strengths"]),
        "mixed_psnr": _number(mixed["psnr"], 2),
        "mixed_ssim": _number(mixed["ssim"]),
        "attributes": _attributes(scores["oracle"], scores["encoder"]),
        "segmenters": _segmenters(scores["segmenter"]),
    } | _paths(scores["z"])


def _lines(scores: Record) -> str:
    rows = []
    for line in LINES:
        value = line.measured(scores)
        known = [line.prototype, line.floor, line.target]
        digits = 1 if line.digits == 2 else 2
        cells = [*(_number(number, digits) for number in known), _number(value, line.digits)]
        rows.append([line.name, *cells, _verdict(line, value)])
    return _table(["number", "prototype", "floor", "target", "measured", "reached"], rows)


def _verdict(line: Line, value: float | None) -> str:
    if value is None or value < line.floor:
        return "**neither**"
    return "target" if value >= line.target else "floor"


def _weak(scores: Record) -> list[str]:
    """What misses its target, and where the rest is worst."""
    generator, by_group = scores["generator"], scores["encoder"]["world"]["held-out"]["by group"]
    oracle = {k: v for k, v in scores["oracle"]["on generated"].items() if k != "mean"}
    regions = {k: v for k, v in scores["segmenter"]["world on generated"].items() if k != "mean"}
    missed = [
        f"{line.name}: {_number(line.measured(scores), line.digits)}, short of its target"
        for line in LINES
        if _verdict(line, line.measured(scores)) != "target"
    ]
    border = f"{_number(generator['l1 at the border'], 4)} against {_number(generator['l1'], 4)}"
    return [
        *missed,
        f"the oracle reads generated images worst in {_worst(oracle)}",
        f"the segmenter finds on generated images worst {_worst(regions)} (IoU)",
        f"the encoder knows least, in held-out phrasings, of {_worst(by_group)}",
        f"the generator errs most in {_best(generator['l1 by region'])} (mean |error|, range 2)",
        f"at the two outermost pixels the generator errs by {border} overall",
    ]


def _best(numbers: Mapping[str, float | None]) -> str:
    return ", ".join(f"{name} {_number(value)}" for name, value in _most_first(numbers)[:3])


def _worst(numbers: Mapping[str, float | None]) -> str:
    worst = _most_first(numbers)[::-1][:3]
    return ", ".join(f"{name} {_number(value)}" for name, value in worst)


def _truncations(by_psi: Record) -> str:
    head = ["ψ", "groups with one value alone", "all groups at once", "PSNR", "SSIM", "oracle"]
    rows = [
        [
            name.removeprefix("psi "),
            _number(each["clean, mean of groups"]),
            _number(each["clean, all groups at once"]),
            _number(each["psnr"], 2),
            _number(each["ssim"]),
            _number(each["oracle"]),
        ]
        for name, each in by_psi.items()
    ]
    return _table(head, rows)


def _strengths(by_strength: Record) -> str:
    rows = [
        [name.replace("-", "−"), _number(each["psnr"], 2), _number(each["ssim"])]
        for name, each in by_strength.items()
    ]
    return _table(["strength", "PSNR", "SSIM"], rows)


def _paths(z: Record) -> dict[str, str]:
    return {
        "paths": str(z["paths"]),
        "frames": str(z["frames"]),
        "steps": str(z["frames"] - 1),
        "path_accuracy": _percent(z["oracle accuracy"]),
        "path_clean": _percent(z["clean, mean of groups"]),
        "path_length": _number(z["path length in W"], 1),
        "path_straight": _number(z["straight distance in W"], 1),
        "step_w": _percent(z["largest step in W, share of the path"]),
        "step_image": _percent(z["largest step of the image, share of the path"]),
    }


def _attributes(oracle: Record, encoders: Record) -> str:
    columns: dict[str, Mapping[str, float | None]] = {
        "oracle on renders": oracle["on renders"],
        "on generated": oracle["on generated"],
        "encoder, seen phrasings": encoders["world"]["seen"]["by group"],
        "held-out": encoders["world"]["held-out"]["by group"],
        "held-out, generated": encoders["world on generated"]["held-out"]["by group"],
        "judge's encoder, held-out": encoders["judge"]["held-out"]["by group"],
    }
    rows = [
        [group, *(_number(column.get(group)) for column in columns.values())]
        for group in oracle["on renders"]
        if group != "mean"
    ]
    return _table(["group", *columns], rows)


def _segmenters(segmenters: Record) -> str:
    rows = [
        [region, *(_number(each[region]) for each in segmenters.values())]
        for region in (*REGIONS, "mean")
    ]
    return _table(["region", *segmenters], rows)


_UNMEASURED = "Not measured on these weights yet: `python -m kits.starter.prompts` does it."
_JUDGED = (
    "success",
    "locality",
    "preservation",
    "reversal",
    "monotonicity",
    "identity",
    "text_gain",
)


def _prompts(prompts: Record) -> str:
    """A paragraph, a table of medians, three strips, and a row for every prompt."""
    rows = [row for own in prompts["tables"].values() for row in own]
    summary = [
        [heading, str(len(own)), *(_number(_median(own, key), 2) for key in _JUDGED)]
        for heading, own in prompts["tables"].items()
    ]
    whole = [
        [
            row["prompt"],
            ", ".join(row["regions"]) or "everywhere",
            f"{row['layers'][0]}–{row['layers'][-1]}",
            *(_number(row["scores"].get(key), 2) for key in _JUDGED),
        ]
        for row in rows
    ]
    strips = [
        f"![The {name} prompt: {prompt}, strengths −2 to 2](pictures/starter-{name}.png)"
        for name, prompt in prompts["shown"].items()
    ]
    parts = [
        f"{len(rows)} held-out sentences, one direction each, on {prompts['seeds']} seeds; "
        "medians over prompts:",
        _table(["prompts for", "number", *_JUDGED], summary),
        "By success, then by locality, the best, the median and the worst prompt:",
        *strips,
        _table(["prompt", "region", "layers", *_JUDGED], whole),
    ]
    return "\n\n".join(parts)


def _median(rows: Sequence[Record], key: str) -> float | None:
    known = [row["scores"][key] for row in rows if row["scores"].get(key) is not None]
    return statistics.median(known) if known else None


def _training(record: Record) -> dict[str, str]:
    recipe = record["recipe"]
    stages = [
        [f"generator at {stage['resolution']}²", stage["images"], stage["batch"], stage["rate"]]
        for stage in recipe["stages"]
    ]
    jobs = [
        [name.replace("-", "'s "), job["images"], job["batch"], job["rate"]]
        for name, job in recipe["jobs"].items()
    ]
    rows = [[name, f"{n:,}", str(batch), f"{rate:g}"] for name, n, batch, rate in [*stages, *jobs]]
    return {
        "training": _table(["network", "images", "batch", "rate"], rows),
        "texts": str(recipe["texts"]["phrasings"]),
        "composites": f"{recipe['texts']['composites']:,}",
        "text_images": f"{recipe['texts']['images']:,}",
        "foreign": f"{len(foreign_sentences()):,}",
        "megabytes": f"{sum(record['bytes'].values()) / 1e6:.1f}",
    }


if __name__ == "__main__":
    write_report(WEIGHTS, DOCS)
