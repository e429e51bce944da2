"""Segmenters: networks, and clusters of a generator's own features, that find named regions.

DeepLabV2 on COCO-Stuff, which LELSD uses for scenes, is left out: its weights are public only as a
pickled checkpoint without outputs to compare a rewrite with, and networks trained on ADE20K
(`segformer`) name the parts of scenes more finely.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eclipsed.errors import BadFile
from eclipsed.files import StrPath, shown

if TYPE_CHECKING:
    import torch

    from eclipsed.types import Segmenter

_log = logging.getLogger(__name__)


def load_segmenter(
    source: StrPath,
    *,
    regions: Sequence[str] = (),
    device: str | torch.device = "cpu",
    local_only: bool = False,
) -> Segmenter:
    """The segmenter of a file, a folder or a hub name, told from its content.

    A file holds clusters that `fit_clusters` made, or a BiSeNet for faces; a folder or repository
    holds a SegFormer, a UPerNet or a CLIPSeg. Only a CLIPSeg needs `regions`, which it finds by
    name; the others have their own.

    Raises BadFile for anything else and for what is missing or damaged, BadSetting for a CLIPSeg
    without regions.
    """
    from eclipsed.encoders.pretrained import network_type, pretrained_folder
    from eclipsed.segmenters.clipseg import load_clipseg
    from eclipsed.segmenters.segformer import load_segformer

    if Path(source).is_file():
        return _from_file(source, device)
    folder = pretrained_folder(source, local_only=local_only)
    if network_type(folder) == "clipseg":
        return load_clipseg(source, regions, device=device, local_only=local_only)
    return load_segformer(source, device=device, local_only=local_only)


def _from_file(path: StrPath, device: str | torch.device) -> Segmenter:
    from eclipsed.checkpoints.reading import read_checkpoint
    from eclipsed.checkpoints.unwrapping import unused_note
    from eclipsed.segmenters.bisenet import from_checkpoint
    from eclipsed.segmenters.clusters import ClusterSegmenter, holds_clusters

    if holds_clusters(path):
        return ClusterSegmenter.load(path)
    checkpoint = read_checkpoint(path)
    if checkpoint.family != "bisenet":
        raise BadFile(
            f"The file {shown(path)} holds no segmenter, but a network of kind {checkpoint.family}."
        )
    face = from_checkpoint(checkpoint.config, checkpoint.tensors, name=Path(path).stem)
    own = face.model.state_dict()
    unused = unused_note([key for key in checkpoint.tensors if key not in own])
    for note in (*checkpoint.notes, *unused):
        _log.warning("%s: %s", shown(path), note)
    return face.to(device)
