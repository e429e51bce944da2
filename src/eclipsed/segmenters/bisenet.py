"""Face parsing by BiSeNet (Yu et al. 2018, arXiv:1808.00897), 19 classes, in plain PyTorch.

Names of parameters are those of the public face-parsing weights, so they load unchanged; the two
auxiliary heads, which only training needs, are left out, and nothing is downloaded.

Of its regions `eyes` are both eyes, never the glasses; `mouth` holds the lips; `face` is skin,
brows, eyes, glasses, nose and mouth together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from eclipsed.checkpoints.weights import fill, unfilled
from eclipsed.encoders.pretrained import IMAGENET
from eclipsed.errors import BadFile
from eclipsed.segmenters.segformer import LabelSegmenter

# The classes of the public weights, in the order of the network's outputs.
LABELS = tuple(
    "background skin l_brow r_brow l_eye r_eye eyeglass l_ear r_ear earrings nose mouth u_lip "
    "l_lip neck necklace cloth hair hat".split()
)


class ConvBNReLU(nn.Module):
    """Convolution, batch norm and ReLU."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(channels_out)

    def forward(self, x: Float[Tensor, "n _ h w"]) -> Float[Tensor, "n _ h w"]:
        return F.relu(self.bn(self.conv(x)))


class BasicBlock(nn.Module):
    """Residual block of two 3×3 convolutions (He et al. 2016)."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels_out)
        self.downsample = (
            nn.Identity()
            if stride == 1 and channels_in == channels_out
            else nn.Sequential(
                nn.Conv2d(channels_in, channels_out, 1, stride, bias=False),
                nn.BatchNorm2d(channels_out),
            )
        )

    def forward(self, x: Float[Tensor, "n _ h w"]) -> Float[Tensor, "n _ h2 w2"]:
        inner = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(self.downsample(x) + inner)


class ResNet18(nn.Module):
    """The trunk: features at 1/8, 1/16 and 1/32 of the picture's size."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(BasicBlock(64, 64, 1), BasicBlock(64, 64, 1))
        self.layer2 = nn.Sequential(BasicBlock(64, 128, 2), BasicBlock(128, 128, 1))
        self.layer3 = nn.Sequential(BasicBlock(128, 256, 2), BasicBlock(256, 256, 1))
        self.layer4 = nn.Sequential(BasicBlock(256, 512, 2), BasicBlock(512, 512, 1))

    def forward(self, x: Float[Tensor, "n 3 h w"]) -> tuple[Tensor, Tensor, Tensor]:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, stride=2, padding=1)
        at8 = self.layer2(self.layer1(x))
        at16 = self.layer3(at8)
        return at8, at16, self.layer4(at16)


def _mean(x: Tensor) -> Tensor:
    return x.mean(dim=(2, 3), keepdim=True)


class AttentionRefinement(nn.Module):
    """Channels weighed by what the whole picture holds (section 3.2 of the paper)."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv = ConvBNReLU(channels_in, channels_out)
        self.conv_atten = nn.Conv2d(channels_out, channels_out, 1, bias=False)
        self.bn_atten = nn.BatchNorm2d(channels_out)

    def forward(self, x: Float[Tensor, "n _ h w"]) -> Float[Tensor, "n _ h w"]:
        x = self.conv(x)
        return x * torch.sigmoid(self.bn_atten(self.conv_atten(_mean(x))))


class ContextPath(nn.Module):
    """The trunk and, from its coarse ends back to 1/8, what surrounds each place."""

    def __init__(self) -> None:
        super().__init__()
        self.resnet = ResNet18()
        self.arm16 = AttentionRefinement(256, 128)
        self.arm32 = AttentionRefinement(512, 128)
        self.conv_head32 = ConvBNReLU(128, 128)
        self.conv_head16 = ConvBNReLU(128, 128)
        self.conv_avg = ConvBNReLU(512, 128, 1)

    def forward(self, x: Float[Tensor, "n 3 h w"]) -> tuple[Tensor, Tensor, Tensor]:
        """(features of the trunk at 1/8, context at 1/8, context at 1/16)."""
        at8, at16, at32 = self.resnet(x)
        wide = self.arm32(at32) + self.conv_avg(_mean(at32))
        context16 = self.conv_head32(F.interpolate(wide, size=at16.shape[2:]))
        near = self.arm16(at16) + context16
        return at8, self.conv_head16(F.interpolate(near, size=at8.shape[2:])), context16


class FeatureFusion(nn.Module):
    """Details and context as one (section 3.2 of the paper)."""

    def __init__(self) -> None:
        super().__init__()
        self.convblk = ConvBNReLU(256, 256, 1)
        self.conv1 = nn.Conv2d(256, 64, 1, bias=False)
        self.conv2 = nn.Conv2d(64, 256, 1, bias=False)

    def forward(
        self, details: Float[Tensor, "n 128 h w"], context: Float[Tensor, "n 128 h w"]
    ) -> Float[Tensor, "n 256 h w"]:
        x: Tensor = self.convblk(torch.cat([details, context], dim=1))
        return x + x * torch.sigmoid(self.conv2(F.relu(self.conv1(_mean(x)))))


class Head(nn.Module):
    """Features → one score a class."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = ConvBNReLU(256, 256)
        self.conv_out = nn.Conv2d(256, len(LABELS), 1, bias=False)

    def forward(self, x: Float[Tensor, "n 256 h w"]) -> Float[Tensor, "n 19 h w"]:
        scores: Tensor = self.conv_out(self.conv(x))
        return scores


class BiSeNet(nn.Module):
    """Prepared pictures [N, 3, H, W] → scores [N, 19, H/8, W/8]."""

    def __init__(self) -> None:
        super().__init__()
        self.cp = ContextPath()
        self.ffm = FeatureFusion()
        self.conv_out = Head()

    def forward(self, x: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 19 h8 w8"]:
        # Channels last: the choice among the classes of every pixel is then several times as fast.
        details, context, _ = self.cp(x.contiguous(memory_format=torch.channels_last))
        scores: Tensor = self.conv_out(self.ffm(details, context))
        return scores


def from_checkpoint(
    config: Mapping[str, Any], tensors: Mapping[str, Tensor], *, name: str = "bisenet"
) -> LabelSegmenter:
    """A frozen segmenter from the public weights' tensors.

    config: may say `n_classes`. The auxiliary heads' tensors are ignored. Raises BadFile when a
    tensor is missing or misshapen, or when the classes are not those of the public weights.
    """
    if config.get("n_classes", len(LABELS)) != len(LABELS):
        raise BadFile(f"Only a BiSeNet of {len(LABELS)} classes can be used, as for faces.")
    with unfilled():
        network = BiSeNet()
    return segmenter_of(fill(network, tensors, "BiSeNet for faces"), name=name)


def segmenter_of(network: BiSeNet, *, name: str) -> LabelSegmenter:
    """A network's masks of the regions that its classes make up."""
    return LabelSegmenter(network, LABELS, IMAGENET, name=name, align_corners=True)
