"""How often the region chosen from a prompt is right: the package's way beside the paper's.

    python -m benchmarks.regions

Prints a Markdown table over the lists of prompts in tests/data. Needs spaCy and its small model.
"""

from __future__ import annotations

from tests.region_lists import DOMAINS, Choose, by_spacy, judged, ours

WAYS: dict[str, Choose] = {"ours": ours, "the paper's": by_spacy}


def cell(domain: str, choose: Choose, *, fresh: bool) -> str:
    """How many prompts of a list get a right answer, of how many."""
    verdicts = judged(domain, fresh=fresh, choose=choose)
    right = sum(one.right for one in verdicts)
    return f"{right} of {len(verdicts)} ({right / len(verdicts):.1%})"


def main() -> None:
    """Print the table."""
    kinds = {"made with": False, "fresh": True}
    heads = [f"{kind}: {way}" for kind in kinds for way in WAYS]
    print(f"| regions of | {' | '.join(heads)} |\n|{'---|' * (len(heads) + 1)}")
    for domain in DOMAINS:
        cells = [
            cell(domain, choose, fresh=fresh)
            for fresh in kinds.values()
            for choose in WAYS.values()
        ]
        print(f"| {domain} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
