"""Configs with something changed."""

from copy import deepcopy


def changed(config: dict, path: str, value) -> dict:
    """A copy with the entry at `path` (keys joined by /) set; what is missing on the way is made."""
    config = deepcopy(config)
    *parents, key = path.split("/")
    entry = config
    for parent in parents:
        entry = entry.setdefault(parent, {})
    entry[key] = value
    return config
