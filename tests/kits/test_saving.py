from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from eclipsed.generators.loading import load_generator
from eclipsed.generators.stylegan2 import StyleGAN2Config, SynthesisNetwork
from eclipsed.types import Generator
from kits.saving import save_generator
from kits.starter.design import W_DIM, mapping_tensors, w_from_codes
from kits.starter.population import Z_DIM, codes_from_z
from tests.kits.starter.conftest import SMALL


def test_the_written_generator_draws_as_the_trained_one(tmp_path: Path) -> None:
    config = StyleGAN2Config(resolution=128, channels=SMALL, z_dim=Z_DIM, w_dim=W_DIM)
    synthesis = SynthesisNetwork(config).eval().requires_grad_(False)
    for key, value in synthesis.state_dict().items():
        if not key.endswith("resample_filter"):  # a forgotten tensor would show
            value.add_(0.05 * torch.rand_like(value))
    path = tmp_path / "generator.safetensors"
    save_generator(synthesis, mapping_tensors(), path)
    generator = load_generator(path)

    z = np.random.default_rng(1).standard_normal((4, Z_DIM)).astype(np.float32)
    w = torch.from_numpy(w_from_codes(codes_from_z(z)))
    expected, _ = synthesis(synthesis.styles(w[:, None].expand(-1, config.num_ws, -1)))
    expected = expected / expected.abs().max()
    made = generator.synthesize(generator.from_z(torch.from_numpy(z))).image
    made = made / made.abs().max()
    assert float((made - expected).abs().max()) < 0.02
    assert isinstance(generator, Generator)
    assert not generator.training


def test_the_file_is_small_and_the_mapping_exact(tmp_path: Path) -> None:
    config = StyleGAN2Config(resolution=128, channels=SMALL, z_dim=Z_DIM, w_dim=W_DIM)
    path = tmp_path / "generator.safetensors"
    save_generator(SynthesisNetwork(config), mapping_tensors(), path)
    tensors = load_file(path)
    assert {v.dtype for k, v in tensors.items() if k.startswith("mapping.")} == {torch.float32}
    assert {v.dtype for k, v in tensors.items() if k.endswith("conv1.weight")} == {torch.float16}
    assert not any(key.endswith("resample_filter") for key in tensors)
    torch.testing.assert_close(
        tensors["mapping.fc1.weight"], torch.from_numpy(mapping_tensors()["mapping.fc1.weight"])
    )
