"""Every method by its name: the one place that knows them all."""

from __future__ import annotations

from collections.abc import Mapping

from eclipsed.errors import UnknownName
from eclipsed.methods.eclipsed import ECLIPSED
from eclipsed.methods.forward import FORWARD
from eclipsed.methods.ganspace import GANSPACE
from eclipsed.methods.interfacegan import INTERFACEGAN
from eclipsed.methods.latent_arithmetic import LATENT_ARITHMETIC
from eclipsed.methods.lelsd import LELSD
from eclipsed.methods.method import Method
from eclipsed.methods.paint_by_word import PAINT_BY_WORD
from eclipsed.methods.sefa import SEFA
from eclipsed.methods.styleclip_global import STYLECLIP_GLOBAL
from eclipsed.methods.styleclip_optimization import STYLECLIP_OPTIMIZATION
from eclipsed.methods.stylemc import STYLEMC
from eclipsed.methods.stylespace import STYLESPACE

METHODS: Mapping[str, Method] = {
    method.name: method
    for method in (
        ECLIPSED,
        FORWARD,
        INTERFACEGAN,
        STYLECLIP_GLOBAL,
        STYLESPACE,
        STYLEMC,
        STYLECLIP_OPTIMIZATION,
        PAINT_BY_WORD,
        LATENT_ARITHMETIC,
        GANSPACE,
        SEFA,
        LELSD,
    )
}


def method_named(name: str) -> Method:
    """A method by its name; UnknownName, naming those there are, for another."""
    if name not in METHODS:
        raise UnknownName(f"There is no method {name!r}.", f"Choose {', '.join(METHODS)}.")
    return METHODS[name]
