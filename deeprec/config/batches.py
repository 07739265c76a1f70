"""Which seeds one job trains: as many together as config.yaml says, but those that were trained together stay so."""

from collections.abc import Iterable
from pathlib import Path

from deeprec.runtime.files import InputError, read_json


def seed_batches(seeds: list[int], size: int, before: Iterable[list[int]]) -> list[list[int]]:
    """Return the seeds in batches of at most `size`, after the earlier batches whose seeds are all still wanted.

    A job whose seeds were others would train all of them anew: so another seed, or another size, concerns new seeds.
    """
    kept = [batch for batch in before if set(batch) <= set(seeds)]
    new = [seed for seed in seeds if not any(seed in batch for batch in kept)]
    return kept + [new[start : start + size] for start in range(0, len(new), size)]


def remembered(batches: list[list[int]], before: Iterable[list[int]]) -> list[list[int]]:
    """Return these batches, and the earlier ones of other seeds, which a call with few seeds does not forget."""
    seeds = {seed for batch in batches for seed in batch}
    return batches + [batch for batch in before if not seeds & set(batch)]


def read_batches(path: Path) -> list[list[int]]:
    """Return the batches that an earlier call wrote, none where there was none; raise InputError where damaged."""
    if not path.exists():
        return []
    found = read_json(path)
    if not (isinstance(found, list) and all(isinstance(x, list) and all(type(s) is int for s in x) for x in found)):
        raise InputError(f"{path}: expected a list of lists of seeds; remove it, and every seed is trained again")
    return found
