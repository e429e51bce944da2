"""Every method by its name: the one place that knows them all.

Names are known without loading a method, so that `--help` imports no torch. A package adds its own
by an entry point of the group `eclipsed.methods`, whose object is a `Method`; a program by
`register`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from eclipsed.errors import BadSetting, EclipsedError, UnknownName

if TYPE_CHECKING:
    from eclipsed.methods.method import Find, Method, Takes

    Register = Callable[[Find], Find]

GROUP = "eclipsed.methods"
# Name → module and object, in the order of all tables; `methods.toml` says what each is.
_OWN = {
    "default": "composite:DEFAULT",
    "paper": "paper:PAPER",
    "paper-scaled": "paper:PAPER_SCALED",
    "forward": "forward:FORWARD",
    "interfacegan": "interfacegan:INTERFACEGAN",
    "styleclip-global": "styleclip_global:STYLECLIP_GLOBAL",
    "stylespace": "stylespace:STYLESPACE",
    "stylemc": "stylemc:STYLEMC",
    "styleclip-optimization": "styleclip_optimization:STYLECLIP_OPTIMIZATION",
    "paint-by-word": "paint_by_word:PAINT_BY_WORD",
    "latent-arithmetic": "latent_arithmetic:LATENT_ARITHMETIC",
    "ganspace": "ganspace:GANSPACE",
    "sefa": "sefa:SEFA",
    "lelsd": "lelsd:LELSD",
}
_REGISTERED: dict[str, Method] = {}


def _entries() -> dict[str, EntryPoint]:
    own = {name: EntryPoint(name, f"eclipsed.methods.{at}", GROUP) for name, at in _OWN.items()}
    return {**own, **{entry.name: entry for entry in entry_points(group=GROUP)}, **own}


def names() -> tuple[str, ...]:
    """The names of all methods: the package's own, of installed packages, and registered ones."""
    return tuple(dict.fromkeys([*_entries(), *_REGISTERED]))


def register(name: str, config: type[Any], takes: Takes = "prompt", **facts: Any) -> Register:
    """A decorator: the function (world, goal, config) → directions is a method of this process.

    config: its frozen dataclass, whose fields all have defaults. facts: `paper`, `about`, `differs`
    and `per_image` of a `Method`. Raises BadSetting for a name that is taken.
    """
    from eclipsed.methods.method import Method

    def enter(find: Find) -> Find:
        if name in names():
            raise BadSetting(f"There is a method '{name}' already.", "Choose another name.")
        texts = {"paper": "", "about": "", "differs": ""}
        _REGISTERED[name] = Method(
            name=name, config=config, takes=takes, find=find, **texts | facts
        )
        return find

    return enter


def method_named(name: str) -> Method:
    """A method by its name.

    Raises UnknownName, listing all names, for another, and EclipsedError for an entry point whose
    object is no method of that name.
    """
    if name in _REGISTERED:
        return _REGISTERED[name]
    entry = _entries().get(name)
    if entry is None:
        raise UnknownName(f"There is no method {name!r}.", f"Choose {', '.join(names())}.")
    from eclipsed.methods.method import Method

    method = entry.load()
    if not isinstance(method, Method) or method.name != name:
        raise EclipsedError(f"{entry.value} is not the method {name!r}.", "Remove its package.")
    return method


def method_of(config: Any) -> Method:
    """The method that a config is of; raises BadSetting for a config of none."""
    for name in names():
        method = method_named(name)
        if method.config is type(config):
            return method
    hint = "Make one: config_for('paper', steps=20), or give method='paper'."
    raise BadSetting(f"{type(config).__name__} is no method's config.", hint)


def config_for(method: str, **changes: Any) -> Any:
    """A method's config with changes; None leaves a field as it is.

    Raises UnknownName for an unknown method or space, BadSetting for a number out of range or a
    field that the config lacks.
    """
    config = method_named(method).config
    given = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in changes.items()
        if value is not None
    }
    for name in given:
        if name not in config.__dataclass_fields__:
            settings = ", ".join(config.__dataclass_fields__)
            raise BadSetting(f"The method {method} has no setting '{name}'.", f"It has {settings}.")
    return config(**given)
