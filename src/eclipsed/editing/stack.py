"""Edits as a list that changes nothing until it is rendered.

A stack is immutable: every change gives a new stack, so undo is the old one, and what a stack
makes depends on nothing but the latents it is given. No encoder is asked anything here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from numbers import Integral

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from eclipsed.directions import Direction, keep_layers
from eclipsed.editing.masks import Mask, dilate, pixels_at, region_masks
from eclipsed.errors import BadSetting, EclipsedError, UnknownName
from eclipsed.generators.memory import in_parts
from eclipsed.generators.spaces import as_latents
from eclipsed.text import finite
from eclipsed.types import SPACES, Generator, Segmenter, Space, Synthesis

# Images at once: 8 at 128 px stay within a processor's caches, where 32 take a third longer each.
BATCH = 8
# Where a direction's numbers are added. One of W arrives in every row of W+, so that it can be
# added to some rows only and goes together with directions of W+.
_ARRIVES: dict[Space, Space] = {"z": "z", "w": "w+", "w+": "w+", "s": "s"}
# A hard edit is whole up to 2 px around its regions and gone beyond 6 px, in 128 px images.
_WHOLE, _SOFT = 2, 1


@dataclass(frozen=True)
class Edit:
    """One direction at one strength, in the card's units: 1 reaches the prompt, −1 the reverse.

    layers: indices of the layers to touch, None for all; for a direction of W they are rows of W+.
    hard: keep every pixel outside the direction's regions as it was, bit for bit. A direction that
    keeps regions is bounded so of itself, and leaves what shows them before and after.
    muted: left out, but still in the list.
    mask: where a hard edit may change the image, in place of its regions: [h, w] of any size,
    bools or numbers from 0 (stays) to 1 (may change), which become a `Mask`; softened as regions.

    Raises BadSetting for what is no direction, a strength that is no finite number, layers that are
    no indices, a mask that is none, or one without `hard`.
    """

    direction: Direction
    strength: float = 1.0
    layers: tuple[int, ...] | None = None
    hard: bool = False
    muted: bool = False
    mask: Mask | Tensor | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.direction, Direction):
            raise BadSetting(
                f"An edit is made with a Direction, not {type(self.direction).__name__}.",
                "Read a card first: Direction.load('card.safetensors').",
            )
        finite(self.strength, "A strength")
        if self.layers is not None:
            layers = tuple(self.layers) if isinstance(self.layers, Iterable) else (self.layers,)
            if not all(isinstance(layer, Integral) for layer in layers):
                raise BadSetting(f"Layers are whole numbers such as (3, 4), not {self.layers!r}.")
            object.__setattr__(self, "layers", tuple(map(int, layers)))
        if isinstance(self.mask, Tensor):
            object.__setattr__(self, "mask", Mask.of(self.mask))
        if self.mask is not None and not self.hard:
            raise BadSetting("A drawn mask bounds a hard edit only.", "Give hard=True with it.")

    @property
    def bounded(self) -> bool:
        """Whether pixels stay bit for bit: of a hard edit, or a direction that keeps regions."""
        return self.hard or bool(self.direction.keep)

    @property
    def drawn(self) -> Mask | None:
        """The drawn mask as the value that it has become."""
        return self.mask if isinstance(self.mask, Mask) else None


@dataclass(frozen=True, init=False)
class EditStack:
    """An ordered list of edits; every method that changes it gives a new stack.

    EditStack(edits) takes an edit, a direction, which is one at strength 1, or several of them.
    Edits of different spaces go together: z is edited first, then W and W+, then S, which is the
    way that latents go through a generator. Within a space they add up in order.
    """

    edits: tuple[Edit, ...]

    def __init__(self, edits: Edit | Direction | Iterable[Edit | Direction] = ()) -> None:
        """Raises BadSetting for anything else."""
        object.__setattr__(self, "edits", _as_edits(edits))

    def add(self, edit: Edit | Direction, at: int | None = None) -> EditStack:
        """With one more edit: last, or before the one at index `at`."""
        index = len(self.edits) if at is None else self._checked(at, len(self.edits) + 1)
        return EditStack((*self.edits[:index], _as_edit(edit), *self.edits[index:]))

    def remove(self, index: int) -> EditStack:
        """Without the edit at an index."""
        index = self._checked(index, len(self.edits))
        return EditStack(self.edits[:index] + self.edits[index + 1 :])

    def move(self, index: int, to: int) -> EditStack:
        """With the edit of one index moved to another."""
        return self.remove(index).add(self.edits[index], at=to)

    def change(self, index: int, edit: Edit | Direction) -> EditStack:
        """With another edit at an index."""
        return self.remove(index).add(edit, at=index)

    def mute(self, index: int, *, muted: bool = True) -> EditStack:
        """With the edit at an index left out, or back in."""
        index = self._checked(index, len(self.edits))
        return self.change(index, replace(self.edits[index], muted=muted))

    @property
    def active(self) -> tuple[Edit, ...]:
        """The edits that are not muted."""
        return tuple(edit for edit in self.edits if not edit.muted)

    def space(self, start: Space) -> Space:
        """The space that `apply` ends in when it is given latents of `start`."""
        stops = [start, *(_ARRIVES[edit.direction.space] for edit in self.active)]
        return max(stops, key=SPACES.index)

    def apply(
        self,
        generator: Generator,
        latents: Float[Tensor, "n _"],
        space: Space,
        *,
        truncation: float = 1.0,
    ) -> Float[Tensor, "n _"]:
        """Edited latents [N, D], which are of the space `self.space(space)`.

        latents: [N, D] of `space`, left unchanged. truncation: for where z is mapped to W.

        Raises WrongGenerator for a direction of another generator, UnknownName for a layer that a
        direction lacks, EclipsedError for a direction of a space that these latents have left.
        """
        for edit in self.active:
            edit.direction.check(generator)
            if SPACES.index(_ARRIVES[edit.direction.space]) < SPACES.index(space):
                raise EclipsedError(
                    f"The direction '{edit.direction.name}' edits {edit.direction.space}, but "
                    f"these latents are already in {space}.",
                    f"Start from latents in {edit.direction.space}.",
                )
        for stop in SPACES:
            edits = [edit for edit in self.active if _ARRIVES[edit.direction.space] == stop]
            if edits:
                latents, space = generator.convert(latents, space, stop, truncation), stop
            for edit in edits:
                latents = latents + edit.strength * _vector(edit, generator).to(latents.device)
        return latents

    @staticmethod
    def _checked(index: int, count: int) -> int:
        if not isinstance(index, int) or not 0 <= index < count:
            raise UnknownName(
                f"There is no place {index!r} in this stack.",
                f"Choose from 0 to {count - 1}." if count else "It is empty.",
            )
        return index


def _as_edits(edits: object) -> tuple[Edit, ...]:
    given = edits if isinstance(edits, Iterable) and not isinstance(edits, str) else [edits]
    return tuple(map(_as_edit, given))


def _as_edit(edit: object) -> Edit:
    """The edit itself, or a direction at strength 1; anything else raises what `Edit` raises."""
    return edit if isinstance(edit, Edit) else Edit(edit)  # type: ignore[arg-type]


def _vector(edit: Edit, generator: Generator) -> Float[Tensor, " d"]:
    """What strength 1 adds where the edit arrives."""
    if edit.direction.space != "w":
        return edit.direction.scaled(edit.layers)
    rows = generator.layers("w+")
    return keep_layers(edit.direction.scaled().repeat(len(rows)), rows, edit.layers)


@torch.no_grad()
def render(
    generator: Generator,
    latents: Float[Tensor, "n _"],
    stack: EditStack | Edit | Direction | Iterable[Edit | Direction],
    *,
    space: Space = "w+",
    truncation: float = 1.0,
    segmenter: Segmenter | None = None,
) -> Float[Tensor, "n 3 h w"]:
    """Images [N, 3, H, W] of latents [N, D] with a stack's edits, a few at a time.

    Bounded edits come after all others, in their order: each is blended, through a feathered mask
    of its regions before and after or the one that was drawn, less what its direction keeps, over
    the image so far, whose other pixels stay bit-identical.

    stack: an `EditStack`, or what makes one. Raises what `EditStack.apply` raises, BadSetting for
    latents of another size than the space's and for masks of another shape than the images, and
    EclipsedError for a bounded edit that needs masks where there is no segmenter.
    """
    latents = as_latents(generator, latents, space)
    stack = stack if isinstance(stack, EditStack) else EditStack(stack)
    soft = EditStack(tuple(edit for edit in stack.active if not edit.bounded))

    def rendered(part: Tensor) -> Tensor:
        synthesize = partial(
            _synthesize, generator, part, space=space, truncation=truncation, segmenter=segmenter
        )
        done, before = soft, synthesize(soft)
        image = before.image
        for edit in stack.active:
            if edit.bounded:
                done = done.add(edit)
                after = synthesize(done)
                image = blend(image, after.image, blend_mask(segmenter, before, after, edit))
                before = after
        return image

    return torch.cat(in_parts(rendered, latents, BATCH))


def _synthesize(
    generator: Generator,
    latents: Tensor,
    stack: EditStack,
    *,
    space: Space,
    truncation: float,
    segmenter: Segmenter | None,
) -> Synthesis:
    """The image with every edit whole, and what the segmenter reads of it."""
    edited = stack.apply(generator, latents, space, truncation=truncation)
    features = () if segmenter is None else segmenter.feature_names
    return generator.synthesize(
        edited, stack.space(space), features=features, truncation=truncation
    )


def blend_mask(
    segmenter: Segmenter | None, before: Synthesis, after: Synthesis, edit: Edit
) -> Float[Tensor, "n h w"]:
    """Where a bounded edit changes the image: 1 is all of it, 0 nothing."""
    # Who chooses regions by hand may choose one that the card keeps.
    direction = edit.direction
    keep = tuple(region for region in direction.keep if region not in direction.regions)
    if segmenter is None and (keep or edit.drawn is None):
        raise EclipsedError(
            f"The edit '{direction.name}' needs a segmenter to find its regions.",
            "Give one, or make the edit without hard borders.",
        )
    if edit.drawn is not None:
        drawn = edit.drawn.sized(*before.image.shape[-2:]).to(before.image)
        mask = feather(drawn.expand(len(before.image), -1, -1))
    elif segmenter is not None and direction.regions:
        mask = feather(_union(segmenter, before, after, direction.regions))
    else:
        mask = torch.ones_like(before.image[:, 0])
    if segmenter is None or not keep:
        return mask
    # Pixels that show what is kept before and after; a hat may cover the background.
    stays = torch.minimum(*(region_masks(each, segmenter, keep) for each in (before, after)))
    return mask * (1.0 - stays)


def _union(
    segmenter: Segmenter, before: Synthesis, after: Synthesis, regions: Sequence[str]
) -> Float[Tensor, "n h w"]:
    masks = [region_masks(synthesis, segmenter, regions) for synthesis in (before, after)]
    return torch.maximum(*masks)


@torch.no_grad()
def region_mask(
    generator: Generator,
    latents: Float[Tensor, "n _"],
    stack: EditStack,
    at: int,
    *,
    space: Space,
    truncation: float,
    segmenter: Segmenter,
) -> Float[Tensor, "n h w"]:
    """The mask of the edit at index `at` if it is bounded: its regions before and after, not yet
    softened; drawn as its mask, this makes the very same image.

    Raises what `render` raises.
    """
    edit = stack.edits[at]
    soft = [one for one in stack.remove(at).active if not one.bounded]
    hard = [one for one in EditStack(stack.edits[:at]).active if one.bounded]
    done = EditStack((*soft, *hard))
    whole = done.add(replace(edit, muted=False))
    before, after = (
        _synthesize(
            generator, latents, each, space=space, truncation=truncation, segmenter=segmenter
        )
        for each in (done, whole)
    )
    return _union(segmenter, before, after, edit.direction.regions)


def feather(mask: Float[Tensor, "n h w"]) -> Float[Tensor, "n h w"]:
    """A mask grown and softened: 1 up to 2 px around it, 0 beyond 6 px (in 128 px images)."""
    whole, soft = (pixels_at(max(mask.shape[-2:]), pixels) for pixels in (_WHOLE, _SOFT))
    grown = dilate(mask, whole + 2 * soft)[:, None]
    for _ in range(2):  # two box filters make a triangle, which has no visible edge
        grown = F.avg_pool2d(grown, 2 * soft + 1, stride=1, padding=soft, count_include_pad=False)
    return torch.where(grown > 1.0 - 1e-5, 1.0, grown)[:, 0]


def blend(
    before: Float[Tensor, "n 3 h w"], after: Float[Tensor, "n 3 h w"], mask: Float[Tensor, "n h w"]
) -> Float[Tensor, "n 3 h w"]:
    """`after` where the mask is 1, `before` where it is 0, both bit for bit, mixed between."""
    weight = mask[:, None]
    mixed = torch.lerp(before, after, weight)
    return torch.where(weight <= 0.0, before, torch.where(weight >= 1.0, after, mixed))


def strip(
    generator: Generator,
    directions: Direction | Sequence[Direction],
    latents: Float[Tensor, "n _"],
    strengths: Sequence[float],
    *,
    space: Space = "w+",
    layers: tuple[int, ...] | None = None,
    truncation: float = 1.0,
    hard: bool = False,
    segmenter: Segmenter | None = None,
) -> Float[Tensor, "n a 3 h w"]:
    """Images of latents [N, D] (rows) under all directions at once, at several strengths (columns).

    Raises what `render` raises.
    """
    directions = [directions] if isinstance(directions, Direction) else directions
    column = partial(
        render, generator, latents, space=space, truncation=truncation, segmenter=segmenter
    )
    stacks = [
        EditStack(tuple(Edit(each, strength, layers, hard) for each in directions))
        for strength in strengths
    ]
    return torch.stack([column(stack=stack) for stack in stacks], dim=1)
