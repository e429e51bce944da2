from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from eclipsed.generators.generator import NetworkGenerator
from eclipsed.search import balance
from eclipsed.search.balance import balanced, weights
from eclipsed.search.pool import View, build_pool, picture, text_direction
from eclipsed.testing import FakeGenerator, fake_world
from eclipsed.types import Goal

WIDTH, IMAGES, TEXTS = 32, 1_024, 200


def drawn(count: int, seed: int) -> Tensor:
    """Embeddings that differ in a few things, and a little in all."""
    random = torch.Generator().manual_seed(seed)
    things = torch.eye(WIDTH)[:8]
    several = torch.randn(count, 8, generator=random) @ things
    return several + 0.3 * torch.randn(count, WIDTH, generator=random)


def nuisance(count: int, seed: int) -> Tensor:
    """Two ways that no text is about, as far as both of them go."""
    random = torch.Generator().manual_seed(seed)
    ways = F.normalize(torch.randn(2, WIDTH, generator=random), dim=1)
    return 6.0 * torch.randn(count, 2, generator=random) @ ways


def test_where_texts_speak_of_what_images_differ_in_nothing_changes() -> None:
    assert weights(drawn(IMAGES, 1).double(), drawn(TEXTS, 2).double()) is None


def test_chance_is_not_held_down() -> None:
    random = torch.Generator().manual_seed(3)
    images, texts = (torch.randn(n, WIDTH, generator=random).double() for n in (40, 40))
    assert weights(images, texts) is None


def test_what_no_text_is_about_is_held_down() -> None:
    clean, images = drawn(IMAGES, 1), drawn(IMAGES, 1) + nuisance(IMAGES, 4)
    matrix = weights(images.double(), drawn(TEXTS, 2).double())
    assert matrix is not None
    torch.testing.assert_close(matrix, matrix.t())
    seen = images @ matrix
    torch.testing.assert_close(seen.var(dim=0).sum(), images.var(dim=0).sum(), rtol=1e-3, atol=0.0)
    # The answer to a text is then nearer to what it is without the nuisance.
    text = torch.eye(WIDTH)[0]
    true = clean @ text
    before, after = (
        torch.corrcoef(torch.stack([true, scores]))[0, 1]
        for scores in (images @ text, seen @ (matrix @ text))
    )
    assert after > before + 0.1
    # And what no text is about no longer outweighs the rest.
    ways = torch.linalg.svd(nuisance(IMAGES, 4), full_matrices=False).Vh[:2]
    shares = [
        (each @ ways.t()).var(dim=0).mean() / each.var(dim=0).mean() for each in (images, seen)
    ]
    assert shares[1] < 0.5 * shares[0]


class Nuisance:
    """The fake world's encoder, and what it adds that no text is about."""

    def __init__(self, inner: object) -> None:
        self.inner = inner
        self.fingerprint = "nuisance"

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    def encode_image(self, images: Tensor) -> Tensor:
        embeddings: Tensor = self.inner.encode_image(images)  # type: ignore[attr-defined]
        way = torch.zeros(embeddings.shape[1])
        way[-1] = 1.0
        return F.normalize(embeddings + 40.0 * images.mean(dim=(1, 2, 3))[:, None] * way, dim=1)


@pytest.fixture
def view(monkeypatch: pytest.MonkeyPatch) -> View:
    """Of the fake world with a nuisance, and as many texts as are needed."""
    monkeypatch.setattr(balance, "FEWEST", 4)
    world = fake_world()
    return View(replace(world, encoder=Nuisance(world.encoder)))  # type: ignore[arg-type]


def test_images_texts_and_pools_are_weighed_alike(view: View) -> None:
    seeds = range(200)
    weighed = balanced(view, seeds)
    assert weighed.balance is not None
    pool, plain = build_pool(weighed, seeds), build_pool(view, seeds)
    torch.testing.assert_close(pool.embeddings, plain.embeddings @ weighed.balance)
    torch.testing.assert_close(picture(weighed, pool.latents[:3])[1], pool.embeddings[:3])
    goal = Goal("bright hair", "a picture", ("hair",))
    raw = text_direction(view, goal) @ weighed.balance
    torch.testing.assert_close(text_direction(weighed, goal), F.normalize(raw, dim=0))


def test_no_image_is_made_twice_for_it(view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0
    synthesize = FakeGenerator.synthesize

    def counted(self: FakeGenerator, latents: Tensor, *words: object, **options: object) -> object:
        nonlocal made
        made += len(latents)
        return synthesize(self, latents, *words, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(FakeGenerator, "synthesize", counted)
    seeds = range(50_000, 50_064)
    build_pool(balanced(view, seeds), seeds)
    assert made == len(seeds)


def test_too_few_images_tell_nothing() -> None:
    view = View(fake_world())
    assert balanced(view, range(8)) is view
    assert isinstance(view.world.generator, FakeGenerator | NetworkGenerator)
