"""Where in a file a network lies: keys and prefixes around its names, and what else there is.

Projects wrap one and the same table in keys ("g_ema", "state_dict") and prefixes ("module.",
"decoder."). Both are taken as parts of dotted names here, in any order and nesting.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from eclipsed.checkpoints.unpickling import Record, shown_name
from eclipsed.errors import BadFile

# What the best network of a file lies in, lower case: averaged ones first, then those that say
# they are generators, then those that say nothing.
_WRAPPERS = (
    *("g_ema", "ema_g", "g_avg", "gs", "generator_ema", "ema_generator", "netg_ema", "g_running"),
    *("generator_smooth", "params_ema", "ema_model", "model_ema", "ema", "ema_state_dict"),
    *("netg", "netg_state_dict", "generator", "generator_state_dict", "g", "g_state_dict", "gen"),
    *("decoder", "params", "model", "model_state_dict", "state_dict", "network", "net", "weights"),
    *("module", "_orig_mod"),
)
# The last part of the name of an average latent.
_AVERAGES = ("w_avg", "latent_avg", "dlatent_avg", "avg_latent", "mean_latent")
# What a file may hold besides its generator without a word: a pattern of one part of the name.
_KNOWN: tuple[tuple[str, str], ...] = (
    (r"d|d_ema|d_state_dict|dis|disc|critic|net_?d.*|discriminator.*", "a discriminator"),
    (r".*optim.*|opt|.*_opt|opt_.*|.*schedul.*|.*scaler.*", "the state of an optimiser"),
    (r"augment.*|ada|ada_.*", "augmentation of training images"),
    (r"step|steps|global_step|epochs?|iter.*|num_updates|num_batches_tracked", "counters"),
    (r"decay|initted|pl_mean|mean_path_length|best_.*|lr|seen_.*", "numbers of the training"),
    (r"resample_filter|kernel|up_filter|down_filter", "filters that every layer repeats"),
    (r"weight_(orig|u|v)", "parts of a spectral norm, which is divided out"),
    (r"conv_out(16|32)", "heads that only training uses"),
)
_IS_KNOWN = re.compile("|".join(f"(?:{pattern})" for pattern, _ in _KNOWN))
# NVIDIA's modules carry the program that made them, and are named by this stand-in's module.
MODULE = "torch_utils.persistence"
# Genuine files nest a tensor of an optimiser deepest, and hold some 3000 of them.
_DEEPEST = 32
_MOST_PARTS = 200_000


@dataclass(frozen=True, eq=False)
class Contents:
    """All tensors and arrays of a file by dotted name, and the modules of NVIDIA's in it.

    modules: by the prefix that their tensors' names have, "" or ended by a dot. options: what the
    file says of its making under "opts". folder: where it lies, for what lies beside it.
    """

    tensors: Mapping[str, Tensor]
    modules: Mapping[str, Record] = field(default_factory=dict)
    options: Mapping[object, object] = field(default_factory=dict)
    folder: Path | None = None

    @classmethod
    def of(cls, content: object, folder: Path | None = None) -> Contents:
        """What a reader gave; BadFile for what is nested absurdly."""
        tensors: dict[str, Tensor] = {}
        modules: dict[str, Record] = {}
        for count, (name, value) in enumerate(_walk(content)):
            if count > _MOST_PARTS:
                raise BadFile("it holds more parts than any genuine file")
            if isinstance(value, Record) and value.module == MODULE:
                modules[f"{name}." if name else ""] = value
            elif isinstance(value, Tensor):
                tensors.setdefault(name, value)
        options = content.get("opts") if isinstance(content, dict) else None
        return cls(tensors, modules, options if isinstance(options, dict) else {}, folder)

    def parts(self, *anchors: str) -> Iterator[tuple[Part, ...]]:
        """The tables that hold names such as all of `anchors`, best first, equals together."""
        wanted = "." + anchors[0]
        prefixes = {
            name[: -len(anchors[0])] for name in self.tensors if f".{name}".endswith(wanted)
        }
        ranks: dict[int, list[Part]] = {}
        for prefix in sorted(prefixes):
            if all(prefix + anchor in self.tensors for anchor in anchors):
                ranks.setdefault(_rank(prefix), []).append(Part(self, prefix))
        for rank in sorted(ranks):
            yield tuple(ranks[rank])

    def table(self) -> dict[str, Tensor]:
        """All tensors, without the wrappers that stand before every one of them."""
        tensors = dict(self.tensors)
        while True:
            heads = {name.partition(".")[0] for name in tensors if not _is_known(name)}
            (head, *others) = heads or {""}
            if others or head.lower() not in _WRAPPERS or head in tensors:
                return tensors
            start = f"{head}."
            tensors = {n[len(start) :]: v for n, v in tensors.items() if n.startswith(start)}


@dataclass(frozen=True, eq=False)
class Part:
    """The tensors of a file that one network may be, without their prefix."""

    contents: Contents
    prefix: str

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        start = self.prefix
        return {
            name[len(start) :]: value
            for name, value in self.contents.tensors.items()
            if name.startswith(start)
        }

    @property
    def module(self) -> Record | None:
        return self.contents.modules.get(self.prefix)

    def average(self, width: int | None) -> Tensor | None:
        """The file's own average latent [width], or a row of it for each layer; None without.

        Of several the one nearest to the network, whatever prefixes or keys it lies under.
        """
        near: list[tuple[int, int, str]] = []
        for name, value in self.contents.tensors.items():
            last = name.rpartition(".")[2]
            fits = 0 < value.dim() < 4 and value.numel() and width in (None, value.shape[-1])
            if last in _AVERAGES and fits and value.is_floating_point():
                shared = _shared(self.prefix, name)
                near.append((-shared, _AVERAGES.index(last), name))
        return self.contents.tensors[min(near)[2]] if near else None

    def averaged(self, name: str, width: int) -> tuple[dict[str, Tensor], Tensor | None]:
        """The tensors with the average latent under a name, and that of the file where it lay under
        another."""
        if name in self.tensors:
            return dict(self.tensors), None
        average = self.average(width)
        row = {} if average is None else {name: row_of(average)}
        return self.without(average) | row, average

    def without(self, average: Tensor | None) -> dict[str, Tensor]:
        """The tensors, but for one that is used under another name."""
        return {name: value for name, value in self.tensors.items() if value is not average}

    def note(
        self, average: Tensor | None = None, inside: tuple[str, ...] = ("",)
    ) -> tuple[str, ...]:
        """A sentence that names what the file holds outside the network, unless it is known.

        average: what `average` gave, where the network uses it. inside: how those of the part's
        names begin that are the network's.
        """
        own, starts = self.tensors, tuple(self.prefix + start for start in inside)
        return unused_note(
            [
                name
                for name, value in self.contents.tensors.items()
                if value is not average and not name.startswith(starts)
                if not _is_copy(name, own)
            ]
        )


def row_of(average: Tensor) -> Tensor:
    """An average latent [w] in float32 of what `Part.average` gave."""
    return average.reshape(-1, average.shape[-1])[0].float().clone()


def unused_note(names: Collection[str]) -> tuple[str, ...]:
    """A sentence that names tensors which nothing uses, but for those of a known kind."""
    left = [name for name in names if not _is_known(name)]
    if not left:
        return ()
    shown = ", ".join(shown_name(name) for name in left[:3]) + (", …" if len(left) > 3 else "")
    what = "1 tensor" if len(left) == 1 else f"{len(left)} tensors"
    return (f"{what} of the file {'is' if len(left) == 1 else 'are'} not used: {shown}.",)


def _is_known(name: str) -> bool:
    return any(map(_IS_KNOWN.fullmatch, name.lower().split(".")))


def ambiguous(parts: Collection[Part]) -> BadFile:
    """The refusal of a file in which several networks could be meant."""
    named = " and ".join(shown_name(part.prefix.rstrip(".")) or "its top" for part in parts)
    return BadFile(
        f"it holds {len(parts)} networks of one kind, under {named}, and nothing says which is "
        "meant",
        "Save the table of one of them alone.",
    )


# --- names --------------------------------------------------------------------------------------


def _walk(content: object) -> Iterator[tuple[str, object]]:
    """(dotted name, value) of everything that dictionaries, lists and modules hold, in order."""
    waiting: list[tuple[str, object, int]] = [("", content, 0)]
    while waiting:
        name, value, depth = waiting.pop()
        if depth > _DEEPEST:
            raise BadFile("its parts are nested deeper than in any genuine file")
        if isinstance(value, np.ndarray) and value.dtype.kind in "fiub" and value.dtype.isnative:
            value = torch.from_numpy(value)
        yield name, value
        inner = _inside(value)
        prefix = f"{name}." if name else ""
        waiting += [(f"{prefix}{key}", each, depth + 1) for key, each in reversed(inner)]


def _inside(value: object) -> list[tuple[object, object]]:
    """(name, value) of what a value holds, as a state dict would have it."""
    if isinstance(value, dict):
        return [(key, each) for key, each in value.items() if isinstance(key, str | int)]
    if isinstance(value, list | tuple):
        holds = any(isinstance(each, Tensor | np.ndarray | dict | Record) for each in value)
        return list(enumerate(value)) if holds else []
    if isinstance(value, Record) and value.module == MODULE:
        names = ("_parameters", "_buffers", "_modules")
        return [pair for name in names for pair in module_part(value, name).items()]
    return []


def module_part(record: Record, name: str) -> Mapping[object, object]:
    """One of the dictionaries that hold a module's contents."""
    if not isinstance(record.state, dict) or not isinstance(record.state.get(name), dict):
        raise BadFile(f"its module {record.name[:40]!r} has no {name}")
    part: Mapping[object, object] = record.state[name]
    return part


def _rank(prefix: str) -> int:
    """How good a wrapper a prefix is, 0 the best; none at all says that it is the network."""
    parts = [part for part in prefix.lower().split(".") if part in _WRAPPERS]
    plain = "generator" if not prefix else ""
    return min((_WRAPPERS.index(p) for p in (*parts, plain) if p), default=len(_WRAPPERS))


def _shared(one: str, other: str) -> int:
    """How many parts of two dotted names agree at their beginning."""
    count = 0
    for a, b in zip(one.split("."), other.split("."), strict=False):
        if a != b:
            break
        count += 1
    return count


def _is_copy(name: str, own: Mapping[str, Tensor]) -> bool:
    """Whether a name outside the network is one of its own: a copy, not averaged or older."""
    while name:
        name = name.partition(".")[2]
        if name in own:
            return True
    return False
