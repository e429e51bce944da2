"""A judge made of an encoder and a segmenter alone, for worlds without an attribute classifier.

It is as independent as the networks that it is given: ones that no training used, where a world
names some, otherwise the world's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from jaxtyping import Float
from torch import Tensor

from eclipsed.types import Claim, Encoder, Segmenter, Verdict


@dataclass(frozen=True)
class NetworkJudge:
    """Two networks as a judge (eclipsed.types.Judge) that knows no attributes.

    What needs a classifier (success, reversal, preservation) it cannot tell.
    """

    encoder: Encoder
    segmenter: Segmenter
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def attributes(self, images: Float[Tensor, "n 3 h w"]) -> Verdict:  # noqa: ARG002 - the Protocol's
        """Nothing is known of any attribute."""
        return Verdict({}, {})

    def features(
        self, images: Float[Tensor, "n 3 h w"], hidden: Float[Tensor, "n h w"]
    ) -> Float[Tensor, "n e"]:
        """The encoder's embeddings of the images [N, 3, H, W], grey where `hidden` is 1."""
        return self.encoder.encode_image(images.clamp(-1.0, 1.0) * (1.0 - hidden[:, None]))

    def claim(self, prompt: str) -> Claim | None:  # noqa: ARG002 - the Protocol's
        """None: no prompt asks for an attribute that it knows."""
        return None
