from __future__ import annotations

import pytest
import torch

from eclipsed import load_generator, load_world
from eclipsed.errors import BadSetting
from eclipsed.types import resolve_device


def machine(monkeypatch: pytest.MonkeyPatch, gpus: int, *, mps: bool = False) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("gpus", "mps", "taken"),
    [(0, False, "cpu"), (2, False, "cuda"), (0, True, "mps"), (1, True, "cuda")],
)
def test_auto_takes_the_fastest(
    monkeypatch: pytest.MonkeyPatch, gpus: int, mps: bool, taken: str
) -> None:
    machine(monkeypatch, gpus, mps=mps)
    assert resolve_device("auto") == taken


@pytest.mark.parametrize("name", ["cpu", "cuda", "cuda:0", "cuda:1", "mps"])
def test_devices_that_are_here_are_taken_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    machine(monkeypatch, 2, mps=True)
    assert resolve_device(name) == name
    assert resolve_device(torch.device(name)) == name


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("cuda:1", "There is no CUDA device 1 here. Use --device cpu, cuda:0 or auto."),
        ("mps", "There is no MPS device, as Macs have, here. Use --device cpu, cuda:0 or auto."),
        ("gpu", "There is no device 'gpu'. Use --device cpu, cuda:0 or auto."),
        ("cuda:x", "There is no device 'cuda:x'. Use --device cpu, cuda:0 or auto."),
    ],
)
def test_devices_that_are_not_here_are_a_sentence(
    monkeypatch: pytest.MonkeyPatch, name: str, sentence: str
) -> None:
    machine(monkeypatch, 1)
    for load in (resolve_device, lambda device: load_world("starter", device)):
        with pytest.raises(BadSetting) as caught:
            load(name)
        assert str(caught.value) == sentence
    with pytest.raises(BadSetting, match="There is no"):
        load_generator("no.pkl", device=name)


def test_cuda_without_any_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, 0)
    with pytest.raises(BadSetting, match=r"no CUDA device here\. Use --device cpu or auto"):
        resolve_device("cuda")
