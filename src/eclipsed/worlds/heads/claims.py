"""What a prompt asks for, in the parameters of heads: intervals that should hold when it is shown.

`goals` gives for "curly hair" (Goal("hair_curl", 0.4, 1.0),), for "older" (Goal("age", 0.6, 1.0),),
and for "blond hair" one interval for each parameter of the hair's colour. The first goal is the one
that the words name; the others tell what must hold besides. None: heads cannot show it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """The parameter `name` lies in [low, high] when the prompt is shown, both from 0 to 1.

    One side of the interval is usually an end of the range, so `sign` is the way to go.
    """

    name: str
    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= 1:
            raise ValueError(f"not an interval of a parameter: {self}")

    @property
    def sign(self) -> int:
        """1 when the interval is the upper end of the range, -1 the lower, 0 neither."""
        return int(self.high >= 1) - int(self.low <= 0)


def goals(prompt: str) -> tuple[Goal, ...] | None:
    """The intervals that a prompt asks for; None for what heads cannot show."""
    raise NotImplementedError(prompt)
