"""How long jobs take and how much room, by what earlier ones of this machine took."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from statistics import median

from eclipsed.cache import Key, cached_bytes, keep_bytes
from eclipsed.files import sha256_of
from eclipsed.jobs.job import Answer, Job


@dataclass(frozen=True)
class Cost:
    """Seconds of one worker, and bytes."""

    seconds: float
    size: float

    def times(self, factor: float) -> Cost:
        return Cost(self.seconds * factor, self.size * factor)


# For each file, where no such job was done here yet: CPU seconds of one slow core, on the starter.
_MEASURED = {
    "train default": Cost(30.0, 9_300.0),
    "edit": Cost(0.034, 17_500.0),
}


def expected(job: Job, device: str) -> Cost | None:
    """What a job will cost; None where nobody knows."""
    with suppress(ValueError, KeyError, TypeError):
        facts = json.loads(cached_bytes(_key(job, device)) or b"")
        return Cost(float(facts["seconds"]), float(facts["size"])).times(len(job.outs))
    measured = _MEASURED.get(job.task.kind)
    return None if measured is None else measured.times(len(job.outs))


def learn(answers: Iterable[tuple[Job, Answer]], device: str) -> None:
    """Keep what jobs cost: the median, as the first of a worker loads its world as well."""
    kinds: dict[Key, list[Cost]] = {}
    for job, answer in answers:
        if not answer.error:
            each = Cost(answer.seconds, answer.size).times(1.0 / len(job.outs))
            kinds.setdefault(_key(job, device), []).append(each)
    for key, costs in kinds.items():
        typical = Cost(median(c.seconds for c in costs), median(c.size for c in costs))
        keep_bytes(key, json.dumps(asdict(typical)).encode())


def _key(job: Job, device: str) -> Key:
    return Key("costs", sha256_of(json.dumps([job.task.kind, job.world, device]).encode()))


def total(jobs: Sequence[Job], workers: int, device: str) -> tuple[Cost | None, int]:
    """What jobs cost together, the seconds shared by workers; and of how many nobody knows."""
    costs = [expected(job, device) for job in jobs]
    known = [cost for cost in costs if cost is not None]
    if jobs and not known:
        return None, len(costs)
    seconds = sum(cost.seconds for cost in known) / max(1, min(workers, len(jobs)))
    return Cost(seconds, sum(cost.size for cost in known)), len(costs) - len(known)
