from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from eclipsed import load_generator
from eclipsed.errors import BadSetting
from eclipsed.generators.dcgan import DCGAN, DCGANConfig
from eclipsed.generators.generator import NetworkGenerator
from eclipsed.types import Generator, weights_of
from tests.checkpoints.making import FILES
from tests.generators import test_biggan, test_stylegan3
from tests.generators.test_every_family import EVERY, every, home_of

HALVES = {"bfloat16": torch.bfloat16, "float16": torch.float16}


@every
@pytest.mark.parametrize("precision", HALVES)
def test_images_are_nearly_the_same_and_latents_the_very_same(family: str, precision: str) -> None:
    exact: NetworkGenerator = EVERY[family]()
    half = exact.in_precision(precision)
    assert isinstance(half, Generator)
    feature = exact.feature_names[-1]
    assert torch.equal(half.sample([3]), exact.sample([3]))
    z = exact.sample([3], space="z")
    assert torch.equal(half.from_z(z, cutoff=1), exact.from_z(z, cutoff=1))
    for space in exact.spaces:
        latents = half.sample([1, 2], truncation=0.5, space=space)
        assert torch.equal(latents, exact.sample([1, 2], truncation=0.5, space=space))
        assert half.layers(space) == exact.layers(space)
        expected = exact.synthesize(latents, space, truncation=0.5)
        made = half.synthesize(latents, space, truncation=0.5, features=(feature,))
        assert made.image.dtype == torch.float32
        assert set(made.features) == {feature}
        largest = float(expected.image.abs().max())
        error = float((made.image - expected.image).abs().max())
        assert 1e-4 * largest < error < 0.1 * largest, error / largest
    assert half.fingerprint == f"{exact.fingerprint}+{precision}"
    assert weights_of(half.fingerprint) == exact.fingerprint
    assert half.name == exact.name
    assert exact.precision == "float32"


@pytest.mark.parametrize("family", ["stylegan2", "stylegan3"])
def test_features_come_as_they_were_computed(family: str) -> None:
    half = EVERY[family]().in_precision("bfloat16")
    made = half.synthesize(half.sample([1]), features=half.feature_names)
    assert {feature.dtype for feature in made.features.values()} == {torch.bfloat16}


def test_float16_has_a_digit_more_than_bfloat16() -> None:
    exact = test_stylegan3.tiny_generator()
    latents = exact.sample(range(4))
    image = exact.synthesize(latents).image
    near, far = (
        float((exact.in_precision(name).synthesize(latents).image - image).abs().max())
        for name in ("float16", "bfloat16")
    )
    assert near < 0.5 * far


@every
def test_gradients_reach_latents_through_half_precision(family: str) -> None:
    exact, home = EVERY[family](), home_of(family)
    gradients = []
    for generator in (exact, exact.in_precision("bfloat16")):
        latents = exact.sample([1]).requires_grad_()
        generator.synthesize(latents, home, truncation=0.5).image.mean().backward()
        assert latents.grad is not None
        gradients.append(latents.grad.flatten())
    assert float(torch.nn.functional.cosine_similarity(*gradients, dim=0)) > 0.9


def test_float32_is_the_generator_itself_and_others_do_not_exist() -> None:
    generator = test_biggan.tiny_generator()
    assert generator.in_precision("float32") is generator
    with pytest.raises(BadSetting, match=r"'int8'.*Choose one of float32, bfloat16, float16"):
        generator.in_precision("int8")


def test_classes_are_bound_as_before() -> None:
    exact = test_biggan.tiny_generator()
    half = exact.in_precision("bfloat16")
    third = half.of_class(2)
    assert third.precision == "bfloat16"
    assert half.label is exact.label
    assert torch.equal(third.label, exact.of_class(2).label)
    z = half.sample([1])
    assert not torch.equal(third.synthesize(z).image, half.synthesize(z).image)


def test_large_styles_do_not_overflow_float16() -> None:
    """Their squares do, but a demodulated convolution does not depend on how large they are."""
    generator = EVERY["stylegan2"]()
    latents = generator.sample([1, 2], space="s")
    names = [layer.name for layer in generator.layers("s")]
    widths = [layer.width for layer in generator.layers("s")]
    scales = torch.cat(
        [torch.full((w,), 1.0 if "rgb" in n else 1e4) for n, w in zip(names, widths, strict=True)]
    )
    exact, half = (
        g.synthesize(latents * scales, "s").image
        for g in (generator, generator.in_precision("float16"))
    )
    assert float((half - exact).abs().max()) < 0.01 * float(exact.abs().max())


def test_an_image_that_overflows_float16_is_refused() -> None:
    generator = test_stylegan3.tiny_generator(conv_clamp=None)
    generator.synthesis.input.weight.mul_(1e6)
    latents = generator.sample([1])
    assert bool(generator.in_precision("bfloat16").synthesize(latents).image.isfinite().all())
    with pytest.raises(BadSetting, match="do not fit into float16"):
        generator.in_precision("float16")
    # Numbers that fit the image it was tried with may overflow in another.
    generator = test_stylegan3.tiny_generator(conv_clamp=None)
    with pytest.raises(BadSetting, match="do not fit into float16"):
        generator.in_precision("float16").synthesize(generator.sample([1]) * 1e6)


class Overflowing(DCGAN):
    """Its images in half precision are finite, and merely wrong."""

    def render(self, *arguments: Any, **settings: Any) -> Any:
        image, features = super().render(*arguments, **settings)
        return (image * 0.5 if torch.is_autocast_enabled("cpu") else image), features


def test_a_generator_that_overflows_unseen_is_refused() -> None:
    config = DCGANConfig(4, (4, 4, 3))
    with pytest.raises(BadSetting, match="'half' do not fit into float16"):
        Overflowing(config, name="half").eval().in_precision("float16")
    assert DCGAN(config).eval().in_precision("float16").precision == "float16"


def test_a_file_is_loaded_in_the_precision_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "net.pt"
    file.write_bytes(FILES["rosinality_zip"]())
    exact, half = load_generator(file), load_generator(file, precision="bfloat16")
    assert (exact.precision, half.precision) == ("float32", "bfloat16")
    assert weights_of(half.fingerprint) == exact.fingerprint
    latents = half.sample([1])
    assert latents.dtype == torch.float32
    with pytest.raises(BadSetting, match="no precision 'half'"):
        load_generator(file, precision="half")
