"""How far each space bears: what larger and larger strengths do to images."""

from __future__ import annotations

from dataclasses import replace

from eclipsed.search.loop import default_config
from reproduction.comparing import Pair, level
from reproduction.engine import Looks
from reproduction.showing import (
    ARTIFACT,
    IDENTITY,
    LOCALITY,
    PRESERVATION,
    SIMILARITY,
    STRANGE,
    SUCCESS,
    Line,
)
from reproduction.spaces import VARIANTS as SPACES
from reproduction.study import Job
from reproduction.sweeps import Shown, sweep
from reproduction.variants import Variant

STRENGTHS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
VARIANTS = (
    *(replace(each, strengths=STRENGTHS) for each in SPACES),
    Variant(label="default", prompt=SPACES[0].prompt, config=default_config(), strengths=STRENGTHS),
)
FAR = 3.0
# Where more than half of the images are strange, a range is over.
OVER = 0.5

PAIRS = (
    Pair(
        "W+ is strange more often than W, far out", "W+", "W", 1, "strange", strength=FAR, ours=True
    ),
    Pair(
        "S is strange more often than W+, far out", "S", "W+", 1, "strange", strength=FAR, ours=True
    ),
)


def _ends(job: Job) -> list[str]:
    """For each space the last strength at which most images still look usual."""
    said = []
    for variant in VARIANTS:
        last = None
        for strength in STRENGTHS:
            found = level(job.records, variant.label, "strange", strength)
            if found is None or found["median"] > OVER:
                break
            last = strength
        until = "at no strength that was tried" if last is None else f"up to strength {last:g}"
        said.append(f"{variant.label}: most images look like the generator's own {until}.")
    return said


STUDY = sweep(
    "How far each space bears",
    (
        "α “scales the edits differently with different training parameters, namely the choice of "
        "latent space”; it is “critical to keep a small range with our final parameters, as "
        "expanding this parameter in all cases leads to distorted and extreme results”.",
    ),
    (
        "The directions of the study of spaces, and one of the default preset, at strengths from "
        "half of what reaches the prompt to four times that. An image is strange where the "
        "principal components of the generator's own images leave more of it than of nearly "
        "all of these. Smear is how much further from any clean drawing it is."
        " Worlds that cannot be drawn have none.",
    ),
    VARIANTS,
    PAIRS,
    Shown(
        lines=tuple(
            Line(each.label, tuple((s, each.label, s) for s in STRENGTHS)) for each in VARIANTS
        ),
        x_title="strength",
        charted=(STRANGE, ARTIFACT, SIMILARITY, PRESERVATION),
        listed=(SIMILARITY, SUCCESS, LOCALITY, PRESERVATION, IDENTITY, STRANGE, ARTIFACT),
        strengths=(0.0, 1.0, 2.0, 4.0),
        images=1,
    ),
    looks=Looks(artifact=True),
    trainings=5,
    more=_ends,
)
