"""Counts the population: how common each value is, and what the couplings do to it."""

from __future__ import annotations

from typing import Any

import numpy as np

from eclipsed.worlds.starter.batches import JUDGED, class_of
from eclipsed.worlds.starter.design import avatars_from_codes
from eclipsed.worlds.starter.population import COUPLINGS, Z_DIM, codes_from_z

CHUNK = 5000
_SEED = 4249


def census(draws: int) -> dict[str, Any]:
    """Frequencies among so many draws of z.

    shares: group → value → share of everybody.
    couplings: for each of COUPLINGS the (group, value) that is given, the (group, value) that
    follows, the share of everybody that shows the second, and of those that show the first.
    """
    rng = np.random.default_rng(_SEED)
    sizes = [min(CHUNK, draws - done) for done in range(0, draws, CHUNK)]
    codes = np.concatenate([codes_from_z(rng.standard_normal((n, Z_DIM))) for n in sizes])
    shown = class_of(avatars_from_codes(codes))
    shows = {
        (group, value): shown[group] == k
        for group, values in JUDGED.items()
        for k, value in enumerate(values)
    }
    couplings = []
    for given, (group, value), strength in COUPLINGS:
        # Skin is one number, without values: less of it is paler.
        then = (group, ("pale" if strength < 0 else "dark") if group == "skin" else value)
        shares = (shows[then].mean(), shows[then][shows[given]].mean())
        couplings.append([list(given), list(then), *(round(float(s), 4) for s in shares)])
    return {
        "draws": draws,
        "shares": {
            group: {value: round(float(shows[group, value].mean()), 4) for value in values}
            for group, values in JUDGED.items()
        },
        "couplings": couplings,
    }
