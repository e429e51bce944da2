"""The paper's table and figures rerun, and what they leave open: one file a study."""

from __future__ import annotations

from eclipsed.errors import UnknownName
from reproduction import (
    alpha_range,
    clip_weight,
    entanglement,
    fig3,
    fig4,
    fig5,
    fig6,
    fig7,
    fig8,
    fig9,
    layers,
    seeds,
    spaces,
    table1,
)
from reproduction.study import Study

# What needs no training first.
STUDIES: dict[str, Study] = {
    "fig3": fig3.STUDY,
    "fig4": fig4.STUDY,
    "fig5": fig5.STUDY,
    "table1": table1.STUDY,
    "fig6": fig6.STUDY,
    "fig7": fig7.STUDY,
    "fig8": fig8.STUDY,
    "fig9": fig9.STUDY,
    "layers": layers.STUDY,
    "seeds": seeds.STUDY,
    "spaces": spaces.STUDY,
    "alpha-range": alpha_range.STUDY,
    "clip-weight": clip_weight.STUDY,
    "entanglement": entanglement.STUDY,
}
ALL = "all"


def studies_named(name: str) -> dict[str, Study]:
    """One study by its name, or all of them; raises UnknownName, with those there are."""
    if name == ALL:
        return STUDIES
    if name not in STUDIES:
        raise UnknownName(
            f"There is no study {name!r}.", f"Choose from {', '.join(STUDIES)}, or {ALL}."
        )
    return {name: STUDIES[name]}
