"""How far a run of the workflow is, and how long the rest will take by what jobs took before; without pandas."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

SHORT = ("write_plan", "write_settings")  # of no time worth counting: Snakemake fills a template itself
BATCH = re.compile(r"_\d+$")  # train_run_0 and train_run_2 train batches of seeds, and take their time as one rule


def kind_of(rule: str) -> str:
    """Return a rule's name without the number of a batch of seeds: that of its benchmarks' folder."""
    return BATCH.sub("", rule)


def earlier_seconds(results: Path) -> dict[str, float]:
    """Return how long a job of each rule took on average, seconds, by the benchmarks that an earlier run left."""
    found: dict[str, list[float]] = defaultdict(list)
    folder = results / "benchmarks"
    for path in folder.rglob("*.tsv"):
        lines = path.read_text(encoding="utf-8").splitlines()
        first = lines[1].partition("\t")[0] if len(lines) > 1 else ""
        if re.fullmatch(r"[\d.]+", first):
            found[path.relative_to(folder).parts[0].removesuffix(".tsv")].append(float(first))
    return {rule: sum(times) / len(times) for rule, times in found.items()}


class Left:
    """What is left of a run: jobs by rule, and their seconds by jobs of the same rule, of this run or one before."""

    def __init__(self, counts: Mapping[str, int], earlier: Mapping[str, float], cores: int):
        self.counts: Counter[str] = Counter()
        for rule, n in counts.items():
            if rule not in (*SHORT, "total"):
                self.counts[kind_of(rule)] += n
        self.earlier, self.cores = dict(earlier), cores
        self.seen: dict[str, list[float]] = defaultdict(list)

    def ended(self, rule: str, seconds: float) -> None:
        """Count a job of a rule as done."""
        kind = kind_of(rule)
        self.counts[kind] -= 1
        self.seen[kind].append(seconds)

    @property
    def seconds(self) -> float | None:
        """Seconds that are left, None while nothing tells how long a training takes."""
        left = {kind: n for kind, n in self.counts.items() if n > 0}
        told = {kind: self._mean(kind) for kind in left}
        if any(kind.startswith("train") and mean is None for kind, mean in told.items()):
            return None
        return sum(n * (told[kind] or 0.0) for kind, n in left.items()) / max(1, self.cores)

    def _mean(self, kind: str) -> float | None:
        # This run's own times are right for today's machine; a few of them say little of the others.
        times = self.seen[kind] if len(self.seen[kind]) > 5 or kind not in self.earlier else [self.earlier[kind]]
        return sum(times) / len(times) if times else None


def in_words(seconds: float | None) -> str:
    """Return a time that is left as people say it."""
    if seconds is None:
        return "time left unknown"
    if seconds == 0:
        return "nearly done"
    if seconds < 90:
        return "about a minute left" if seconds > 30 else "half a minute left"
    return f"about {seconds / 60:.0f} min left"
