from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import transformers
from PIL import Image, ImageDraw
from safetensors.torch import load_file, save_file
from torch import Tensor

from eclipsed.encoders.clip import PretrainedEncoder, load_encoder
from eclipsed.errors import BadFile, BadSetting
from eclipsed.types import Encoder
from tests.segmenters.tiny import TEXT_LENGTH, save_clip, save_siglip

# (height, width): larger, smaller, of another shape, and just right.
SIZES = [(96, 96), (20, 20), (40, 70), (33, 120), (32, 32)]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clip")
    save_clip(folder)
    return folder


@pytest.fixture(scope="module")
def siglip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("siglip")
    save_siglip(folder)
    return folder


def pictures(size: tuple[int, int]) -> dict[str, Image.Image]:
    """Random bytes, a smooth gradient, and shapes with edges, shading and grain as in a photo."""
    high, wide = size
    random = np.random.default_rng(3)
    noise = random.integers(0, 256, (high, wide, 3), dtype=np.uint8)
    y, x = np.mgrid[0:high, 0:wide] / max(size)
    smooth = np.stack([255 * x, 255 * y, 127 * (1 + np.sin(5 * x + 3 * y))], axis=2)
    photo = Image.fromarray(smooth.astype(np.uint8))
    draw = ImageDraw.Draw(photo)
    draw.ellipse((wide // 4, high // 5, wide // 2, high // 2), fill=(240, 200, 170))
    draw.line((0, high, wide, 0), fill=(0, 0, 0), width=2)
    grain = np.asarray(photo).astype(float) + random.normal(0, 6, (high, wide, 3))
    return {
        "noise": Image.fromarray(noise),
        "smooth": Image.fromarray(smooth.astype(np.uint8)),
        "photo": Image.fromarray(grain.clip(0, 255).astype(np.uint8)),
    }


def as_image(picture: Image.Image) -> Tensor:
    """A picture as [1, 3, H, W] in [-1, 1]."""
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float() / 127.5 - 1.0


def pixels_of(processor: Any, picture: Image.Image) -> Tensor:
    made: Tensor = processor(images=picture, return_tensors="pt")["pixel_values"]
    return made.float()


def features_of(made: Any) -> Tensor:
    return F.normalize(made if isinstance(made, Tensor) else made.pooler_output, dim=1)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_pictures_are_prepared_as_by_transformers(
    kind: str, size: tuple[int, int], clip: Path, siglip: Path
) -> None:
    folder = clip if kind == "clip" else siglip
    encoder = load_encoder(folder)
    by_pillow = (
        transformers.CLIPImageProcessorPil
        if kind == "clip"
        else transformers.SiglipImageProcessorPil
    ).from_pretrained(folder)
    std = torch.tensor(encoder.std)[:, None, None]
    for name, picture in pictures(size).items():
        ours = encoder.preparation(as_image(picture))
        theirs = pixels_of(by_pillow, picture)
        assert ours.shape == theirs.shape == (1, 3, encoder.size, encoder.size)
        # In units of one level of a byte, before mean and std.
        apart = float(((ours - theirs) * std * 255).abs().max())
        assert apart <= 2.0, (name, apart)
        torch.testing.assert_close(
            encoder.preparation.exactly(as_image(picture)), theirs, rtol=0, atol=1e-5
        )


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_image_embeddings_equal_those_of_transformers(kind: str, clip: Path, siglip: Path) -> None:
    folder = clip if kind == "clip" else siglip
    encoder = load_encoder(folder)
    assert isinstance(encoder, Encoder)
    if kind == "clip":
        model: Any = transformers.CLIPModel.from_pretrained(folder)
        by_pillow: Any = transformers.CLIPImageProcessorPil.from_pretrained(folder)
    else:
        model = transformers.SiglipModel.from_pretrained(folder)
        by_pillow = transformers.SiglipImageProcessorPil.from_pretrained(folder)
    for picture in pictures((50, 70)).values():
        pixels = pixels_of(by_pillow, picture)
        with torch.no_grad():
            expected = features_of(model.eval().get_image_features(pixel_values=pixels))
        torch.testing.assert_close(encoder.encode_pixels(pixels), expected, rtol=0, atol=1e-5)
        ours = encoder.encode_image(as_image(picture))
        assert float(F.cosine_similarity(ours, expected)) > 0.999
    # Different pictures are far apart by comparison.
    made = torch.cat([as_image(p) for p in pictures((50, 70)).values()])
    assert float((encoder.encode_image(made) @ encoder.encode_image(made).t()).min()) < 0.99


def test_clip_texts_equal_those_of_transformers(clip: Path) -> None:
    encoder = load_encoder(clip)
    texts = ["a cat", "Curly HAIR", "a very long text that no such network reads to its end", ""]
    model = transformers.CLIPModel.from_pretrained(clip).eval()
    tokens = transformers.CLIPTokenizer.from_pretrained(clip)(
        texts, padding=True, truncation=True, max_length=TEXT_LENGTH, return_tensors="pt"
    )
    with torch.no_grad():
        expected = features_of(model.get_text_features(**tokens))
    made = encoder.encode_text(texts)
    torch.testing.assert_close(made, expected, rtol=0, atol=1e-5)
    assert float((made @ made.t() - torch.eye(4)).max()) < 0.999
    # A text does not depend on what it is encoded with.
    torch.testing.assert_close(encoder.encode_text(texts[:1]), made[:1], rtol=0, atol=1e-5)


def test_siglip_texts_are_filled_lowered_and_freed_of_punctuation(siglip: Path) -> None:
    encoder = load_encoder(siglip)
    model = transformers.SiglipModel.from_pretrained(siglip).eval()
    tokenizer = transformers.PreTrainedTokenizerFast.from_pretrained(siglip)
    plain = ["a photo of a cat", "curly hair", "the dogs"]
    tokens = tokenizer(
        plain, padding="max_length", max_length=TEXT_LENGTH, truncation=True, return_tensors="pt"
    )
    with torch.no_grad():
        expected = features_of(model.get_text_features(input_ids=tokens["input_ids"]))
    made = encoder.encode_text(["A photo, of a  CAT!", "curly hair", "The dog's"])
    torch.testing.assert_close(made, expected, rtol=0, atol=1e-5)
    assert float((made[0] - made[1]).abs().max()) > 1e-2


def test_siglip_2_keeps_punctuation(siglip: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(siglip, tmp_path / "second")
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings["tokenizer_class"] = "GemmaTokenizerFast"
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    encoder = load_encoder(folder)
    lower, upper, dotted = encoder.encode_text(["a cat", "A CAT", "a cat."])
    torch.testing.assert_close(lower, upper)
    assert float((lower - dotted).abs().max()) > 1e-3


def test_templates_are_averaged_on_the_sphere(clip: Path) -> None:
    forms = ("{}", "a photo of {}", "{}, drawn")
    encoder, plain = load_encoder(clip, templates=forms), load_encoder(clip)
    texts = ["a cat", "{curly}"]
    expected = torch.stack(
        [plain.encode_text([form.replace("{}", text) for form in forms]).mean(0) for text in texts]
    )
    torch.testing.assert_close(
        encoder.encode_text(texts), F.normalize(expected, dim=1), rtol=0, atol=1e-5
    )
    for bad in ((), ("a photo",)):
        with pytest.raises(BadSetting, match="template"):
            load_encoder(clip, templates=bad)


def test_long_lists_are_encoded_in_batches_and_empty_ones_too(clip: Path) -> None:
    encoder = load_encoder(clip)
    texts = [f"number {n}" for n in range(150)]
    made = encoder.encode_text(texts)
    assert made.shape == (150, 24)
    torch.testing.assert_close(
        made[[0, 80, 149]], encoder.encode_text([texts[n] for n in (0, 80, 149)])
    )
    torch.testing.assert_close(made.norm(dim=1), torch.ones(150))
    assert encoder.encode_text([]).shape == (0, 24)


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_gradients_reach_the_image_and_no_weight(kind: str, clip: Path, siglip: Path) -> None:
    encoder = load_encoder(clip if kind == "clip" else siglip)
    image = (torch.rand(2, 3, 48, 48) - 0.5).requires_grad_()
    encoder.encode_image(image)[:, 0].sum().backward()
    assert image.grad is not None
    assert float((image.grad.abs().sum(dim=1) > 0).float().mean()) > 0.99
    assert all(not p.requires_grad and p.grad is None for p in encoder.parameters())
    assert not encoder.encode_text(["a"]).requires_grad


def test_the_fingerprint_tells_weights_templates_and_preparation_apart(
    clip: Path, tmp_path: Path
) -> None:
    encoder = load_encoder(clip)
    assert encoder.fingerprint == load_encoder(clip).fingerprint
    assert encoder.fingerprint != load_encoder(clip, templates=("a {}",)).fingerprint
    assert len(encoder.fingerprint) == 64
    other = tmp_path / "other"
    model = save_clip(other)
    with torch.no_grad():
        model.visual_projection.weight[0, 0] += 1e-3
    model.save_pretrained(other)
    assert load_encoder(other).fingerprint != encoder.fingerprint
    bilinear = shutil.copytree(clip, tmp_path / "bilinear")
    change_json(bilinear / "preprocessor_config.json", resample=2)
    assert load_encoder(bilinear).fingerprint != encoder.fingerprint


def change_json(file: Path, **changes: Any) -> None:
    value = {**json.loads(file.read_text()), **changes}
    file.write_text(json.dumps({k: v for k, v in value.items() if v is not None}))


def test_what_a_folder_leaves_open_is_as_usual_for_its_kind(siglip: Path, tmp_path: Path) -> None:
    usual = tmp_path / "usual"
    save_clip(usual, size=224)
    before = load_encoder(usual).preparation
    (usual / "preprocessor_config.json").unlink()
    assert load_encoder(usual).preparation == before
    nested = shutil.copytree(siglip, tmp_path / "nested")
    said = json.loads((nested / "preprocessor_config.json").read_text())
    (nested / "preprocessor_config.json").unlink()
    (nested / "processor_config.json").write_text(json.dumps({"image_processor": said}))
    assert load_encoder(nested).preparation == load_encoder(siglip).preparation


def test_half_precision_weights_are_read_as_float32(clip: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(clip, tmp_path / "half")
    transformers.CLIPModel.from_pretrained(clip).half().save_pretrained(folder)
    encoder = load_encoder(folder)
    assert {p.dtype for p in encoder.parameters()} == {torch.float32}
    near = F.cosine_similarity(
        encoder.encode_text(["hat"]), load_encoder(clip).encode_text(["hat"])
    )
    assert float(near) > 0.999


# --- what is refused ----------------------------------------------------------------------------


def test_folders_that_do_not_exist_and_names_that_cannot_be_had(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="There is no folder"):
        load_encoder(tmp_path / "nothing")
    with pytest.raises(BadFile, match="neither a folder nor in the cache") as caught:
        load_encoder("nobody/nothing-of-this-name@0123abc", local_only=True)
    assert "\n" not in str(caught.value)


def test_other_networks_are_refused(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="holds no network"):
        load_encoder(tmp_path)
    folder = shutil.copytree(clip, tmp_path / "other")
    change_json(folder / "config.json", model_type="bert")
    with pytest.raises(BadFile, match="of kind 'bert', no encoder"):
        load_encoder(folder)
    change_json(folder / "config.json", model_type="siglip2")
    with pytest.raises(BadFile, match="of one size"):
        load_encoder(folder)
    (folder / "config.json").write_text("[1]")
    with pytest.raises(BadFile, match="not a JSON object"):
        load_encoder(folder)


def halves(state: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    names = sorted(state)
    return [{n: state[n] for n in names[i::2]} for i in (0, 1)]


def save_pickled(folder: Path, state: dict[str, Tensor], layout: str) -> None:
    if layout == "bin":
        torch.save(state, folder / "pytorch_model.bin")
    elif layout == "old bin":
        path = folder / "pytorch_model.bin"
        torch.save(state, path, _use_new_zipfile_serialization=False)
    elif layout == "pth with prefixes":
        table = {f"module.{name}": value for name, value in state.items()}
        torch.save({"state_dict": table, "epoch": 3}, folder / "clip.pth")
    elif layout == "bin shards":
        for i, part in enumerate(halves(state), start=1):
            torch.save(part, folder / f"pytorch_model-0000{i}-of-00002.bin")
    elif layout == "safetensors shards":
        for i, part in enumerate(halves(state), start=1):
            save_file(part, folder / f"model-0000{i}-of-00002.safetensors")
    elif layout == "another name":
        save_file(state, folder / "open_clip.safetensors")


LAYOUTS = "bin,old bin,pth with prefixes,bin shards,safetensors shards,another name".split(",")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_weights_in_any_layout_are_the_same_encoder(
    clip: Path, tmp_path: Path, layout: str
) -> None:
    folder = shutil.copytree(clip, tmp_path / "pickled")
    (folder / "model.safetensors").unlink()
    state = transformers.CLIPModel.from_pretrained(clip).state_dict()
    save_pickled(folder, state, layout)
    encoder, expected = load_encoder(folder), load_encoder(clip)
    assert encoder.fingerprint == expected.fingerprint
    assert torch.equal(encoder.encode_text(["a cat"]), expected.encode_text(["a cat"]))


class Runs:
    """Something that a full load would run."""

    def __reduce__(self) -> Any:
        return print, ("run",)


def test_a_program_in_pickled_weights_is_refused(
    clip: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(clip, tmp_path / "pickled")
    (folder / "model.safetensors").unlink()
    torch.save({"x": Runs()}, folder / "pytorch_model.bin")
    with pytest.raises(BadFile, match=r"it names __builtin__\.print"):
        load_encoder(folder)
    torch.save({"x": 3}, folder / "pytorch_model.bin")
    with pytest.raises(BadFile, match="no table of tensors"):
        load_encoder(folder)
    (folder / "pytorch_model.bin").unlink()
    with pytest.raises(BadFile, match="no weights that can be read"):
        load_encoder(folder)
    assert "run" not in capfd.readouterr().out


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin", "clip.pth"])
def test_weights_that_are_a_page_or_pointer_are_called_that(
    clip: Path, tmp_path: Path, name: str
) -> None:
    folder = shutil.copytree(clip, tmp_path / "cloned")
    (folder / "model.safetensors").unlink()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 605157884\n"
    (folder / name).write_text(pointer)
    with pytest.raises(BadFile, match=r"Git LFS to a file of 605 MB.*git lfs pull"):
        load_encoder(folder)
    (folder / name).write_text("<!DOCTYPE html><html>")
    with pytest.raises(BadFile, match="a web page"):
        load_encoder(folder)
    with pytest.raises(BadFile, match="a web page"):
        load_encoder(folder / name)
    (folder / name).write_bytes(b"PK")
    with pytest.raises(BadFile, match="is a file, and such a network is a folder"):
        load_encoder(folder / name)


def test_damaged_and_incomplete_weights_are_refused(clip: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(clip, tmp_path / "damaged")
    weights = folder / "model.safetensors"
    tensors = load_file(weights)
    less = {k: v for k, v in tensors.items() if k != "visual_projection.weight"}
    save_file(less, weights, {"format": "pt"})
    with pytest.raises(BadFile, match=r"lack the tensor 'visual_projection\.weight'"):
        load_encoder(folder)
    save_file(less | {"visual_projection.weight": torch.zeros(3, 3)}, weights, {"format": "pt"})
    with pytest.raises(BadFile, match="cannot be read as a CLIPModel"):
        load_encoder(folder)
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(BadFile, match="cannot be read as a CLIPModel"):
        load_encoder(folder)


def test_tokenizers_and_preparations_that_make_no_sense_are_refused(
    clip: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(clip, tmp_path / "odd")
    settings = folder / "preprocessor_config.json"
    for changes in (
        {"resample": 0},
        {"crop_size": {"height": 32, "width": 16}},
        {"crop_size": 64},
        {"image_std": [0, 1, 1]},
        {"image_mean": "none"},
        {"size": []},
    ):
        shutil.copy(clip / "preprocessor_config.json", settings)
        change_json(settings, **changes)
        with pytest.raises(BadFile, match="prepares its pictures"):
            load_encoder(folder)
    shutil.copy(clip / "preprocessor_config.json", settings)
    change_json(settings, size={"shortest_edge": 40}, crop_size={"height": 40, "width": 40})
    with pytest.raises(BadFile, match="sees 32 pixels"):
        load_encoder(folder)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(BadFile, match="no tokenizer"):
        load_encoder(folder)


def test_both_layouts_of_clips_tokenizer_are_read(clip: Path, tmp_path: Path) -> None:
    from tests.segmenters.tiny import save_clip_tokenizer

    folder = shutil.copytree(clip, tmp_path / "old")
    (folder / "tokenizer.json").unlink()
    save_clip_tokenizer(folder, old_layout=True)
    old: PretrainedEncoder = load_encoder(folder)
    texts = ["A red hat", "l'été"]
    torch.testing.assert_close(old.encode_text(texts), load_encoder(clip).encode_text(texts))
