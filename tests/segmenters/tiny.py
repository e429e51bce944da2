"""Tiny networks of the transformers library with random weights, saved as real ones are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors

TOWER = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}
TEXT_LENGTH = 16
WORDS = "a an the photo of cat dog hat with hair curly red person sitting s".split()


def save_clip_tokenizer(folder: Path, *, old_layout: bool = False) -> None:
    """CLIP's tokenizer without merges: every byte is a token, alone or at the end of a word."""
    bytes_ = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = ["<|startoftext|>", *bytes_, *(b + "</w>" for b in bytes_), "<|endoftext|>"]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    if old_layout:
        (folder / "vocab.json").write_text(json.dumps(vocabulary))
        (folder / "merges.txt").write_text("#version: 0.2\n")
    else:
        transformers.CLIPTokenizer(vocab=vocabulary, merges=[]).save_pretrained(folder)


def clip_text(**changes: Any) -> dict[str, Any]:
    numbers = {"vocab_size": 514, "max_position_embeddings": TEXT_LENGTH}
    return {**TOWER, **numbers, "bos_token_id": 0, "eos_token_id": 513, **changes}


def save_clip(folder: Path, *, size: int = 32, **text: Any) -> transformers.CLIPModel:
    """A CLIP in a folder as transformers writes it, with its tokenizer."""
    torch.manual_seed(0)
    config = transformers.CLIPConfig(
        text_config=clip_text(**text),
        vision_config={**TOWER, "image_size": size, "patch_size": 8},
        projection_dim=24,
    )
    model = transformers.CLIPModel(config).eval()
    _shake(model)
    model.save_pretrained(folder)
    save_clip_tokenizer(folder)
    processor = transformers.CLIPImageProcessorPil(
        size={"shortest_edge": size}, crop_size={"height": size, "width": size}
    )
    processor.save_pretrained(folder)
    return model


def save_siglip(folder: Path, *, size: int = 32) -> transformers.SiglipModel:
    """A SigLIP whose tokenizer knows WORDS in lower case and nothing else."""
    torch.manual_seed(0)
    pieces = ["<unk>", "</s>", *WORDS]
    text = {**TOWER, "vocab_size": len(pieces), "max_position_embeddings": TEXT_LENGTH}
    config = transformers.SiglipConfig(
        text_config={**text, "projection_size": 32, "pad_token_id": 1, "eos_token_id": 1},
        vision_config={**TOWER, "image_size": size, "patch_size": 8},
    )
    model = transformers.SiglipModel(config).eval()
    _shake(model)
    model.save_pretrained(folder)
    words = Tokenizer(models.WordLevel({p: n for n, p in enumerate(pieces)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    words.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "SiglipTokenizer",
        "pad_token": "</s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "model_input_names": ["input_ids"],
        "do_lower_case": True,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    transformers.SiglipImageProcessorPil(size={"height": size, "width": size}).save_pretrained(
        folder
    )
    return model


def save_segformer(
    folder: Path, labels: list[str]
) -> transformers.SegformerForSemanticSegmentation:
    torch.manual_seed(0)
    config = transformers.SegformerConfig(
        hidden_sizes=[8, 8, 16, 16],
        num_attention_heads=[1, 1, 2, 2],
        depths=[1, 1, 1, 1],
        decoder_hidden_size=16,
        id2label=dict(enumerate(labels)),
    )
    model = transformers.SegformerForSemanticSegmentation(config).eval()
    _shake(model)
    model.save_pretrained(folder)
    transformers.SegformerImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(
        folder
    )
    return model


def save_upernet(folder: Path, labels: list[str]) -> transformers.UperNetForSemanticSegmentation:
    torch.manual_seed(0)
    trunk = transformers.ConvNextConfig(
        hidden_sizes=[8, 8, 16, 16],
        depths=[1, 1, 1, 1],
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    config = transformers.UperNetConfig(
        backbone_config=trunk,
        hidden_size=16,
        use_auxiliary_head=True,
        auxiliary_in_channels=16,
        auxiliary_channels=8,
        id2label=dict(enumerate(labels)),
    )
    model = transformers.UperNetForSemanticSegmentation(config).eval()
    _shake(model)
    model.save_pretrained(folder)
    return model


def save_clipseg(folder: Path) -> transformers.CLIPSegForImageSegmentation:
    torch.manual_seed(0)
    vision = {**TOWER, "num_hidden_layers": 3, "image_size": 32, "patch_size": 16}
    config = transformers.CLIPSegConfig(
        text_config=clip_text(),
        vision_config=vision,
        projection_dim=24,
        reduce_dim=16,
        decoder_num_attention_heads=2,
        decoder_intermediate_size=24,
        extract_layers=[0, 1, 2],
        use_complex_transposed_convolution=True,
    )
    model = transformers.CLIPSegForImageSegmentation(config).eval()
    _shake(model)
    model.save_pretrained(folder)
    save_clip_tokenizer(folder, old_layout=True)
    transformers.ViTImageProcessorPil(
        size={"height": 64, "width": 64},
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    ).save_pretrained(folder)
    return model


@torch.no_grad()
def _shake(model: torch.nn.Module) -> None:
    """Weights large enough that different inputs give different outputs."""
    for value in model.parameters():
        value.add_(0.15 * torch.randn_like(value))
