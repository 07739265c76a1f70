"""What every run's entries say, by name: those that are written, and those that follow from them."""

from collections.abc import Iterable
from typing import Any

from deeprec.config.schema import Config, Dataset
from deeprec.settings.blend import BlendSettings
from deeprec.settings.models import MODELS

DEFAULT_MODEL = "autoencoder"
BLEND = BlendSettings.model
BASE = str(BlendSettings.model_fields["base"].default)
# Models whose name is a run of them with its defaults.
PLAIN = [
    name
    for name, kind in MODELS.items()
    if name != DEFAULT_MODEL and not any(field.is_required() for field in kind.model_fields.values())
]

Entry = dict[str, Any]
Entries = dict[str, Entry]


def define_runs(config: Config, dataset: Dataset, models: Iterable[str]) -> Entries:
    """Return the entries of config.yaml's runs, the data set's changes among them, and of their copies.

    A run that is `like` another takes over its entry. A copy is a run of the final table (`models`, its runs) on
    another split, with the members of a blend there; or a member with the `changes` that its blend asks for.
    """
    own, special = config.runs, dataset.runs
    found = {
        name: {**({"model": name} if name in PLAIN else {}), **own.get(name, {}), **special.get(name, {})}
        for name in dict.fromkeys([*own, *special, *PLAIN])
    }
    found = {name: _completed(found, name) for name in found}
    left_out = _left_out(config, dataset)
    for name, entry in list(found.items()):
        if name not in left_out and _is_blend(entry):
            found[name] = {**entry, "members": [member for member in entry["members"] if member not in left_out]}
            _change_members(found, name)
    for run in models:
        for split in dataset.splits:
            if split != dataset.main_split:
                _copy_to(found, run, split)
    return found


def _is_blend(entry: Entry) -> bool:
    """Return whether an entry names what it blends; if it is one and does not, the checks say so."""
    named = [*members, entry.get("base", BASE)] if isinstance(members := entry.get("members"), list) else [None]
    return entry.get("model") == BLEND and all(isinstance(name, str) for name in named)


def _completed(found: Entries, name: str, before: tuple[str, ...] = ()) -> Entry:
    """Return an entry with what it takes over from the run that it is `like`, where there is one."""
    entry, other = found[name], found[name].get("like")
    if not isinstance(other, str) or other not in found or other in (*before, name):
        return entry
    own = {key: value for key, value in entry.items() if key != "like"}
    return {**_completed(found, other, (*before, name)), **own}


def copy_name(run: str, split: str, main_split: str) -> str:
    """Return the name of a run's copy on a split; its own on the main one."""
    return run if split == main_split else f"{run}_{split}"


def _left_out(config: Config, dataset: Dataset) -> set[str]:
    """Return the runs of models that the data set leaves out of the final table, and so of blends."""
    models = config.final.models
    return {models[model] for model, run in dataset.final.models.items() if run is None and model in models}


def _change_members(found: Entries, name: str) -> None:
    """Give a blend with `changes` members of its own, `NAME_MEMBER`, that differ from those named by these."""
    blend = found[name]
    if not isinstance(changes := blend.get("changes"), dict):
        return
    copies = {member: f"{name}_{member}" if member in found else member for member in blend["members"]}
    for member, copy in copies.items():
        if member in found:
            found[copy] = {**found[member], **changes, **found.get(copy, {})}
    found[name] = {key: value for key, value in blend.items() if key != "changes"} | {"members": list(copies.values())}


def _copy_to(found: Entries, run: str, split: str) -> None:
    """Define a run's copy on another split than the main one, and those of a blend's members."""
    if run not in found:
        return
    entry = found[run]
    if _is_blend(entry):
        inputs = [*entry["members"], entry.get("base", BASE)]
        for member in inputs:
            _copy_to(found, member, split)
        *members, base = (f"{member}_{split}" if member in found else member for member in inputs)
        entry = {**entry, "members": members, "base": base}
    found[f"{run}_{split}"] = {**entry, **found.get(f"{run}_{split}", {}), "split": split}
