"""The check of a config before any job: every wrong key is told at once, with what was found and expected."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations, pairwise, product
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from deeprec.config.definitions import DEFAULT_MODEL
from deeprec.config.plan import OF_A_RUN, Plan
from deeprec.config.run_settings import read_yaml
from deeprec.config.schema import DATASETS, FINAL, Config, Dataset
from deeprec.runtime.files import ROOT, InputError
from deeprec.settings.base import ModelSettings, Space, problems, shown
from deeprec.settings.bias import BiasSettings
from deeprec.settings.models import MODELS

FOLDER = ROOT / "workflow" / "datasets"
TAKEN_OVER = (
    "main_split",
    "split_seed",
    "splits",
    "relevant",
    "models",
    "recipes",
    "runs",
    "ablations",
    "final",
)  # by `like`
# What no machine holds is refused before any job; the items are fewer than in any data set worth a pipeline.
TAKEN = ("original", "across")  # folders of results/ that are no data set's
ITEMS, BYTES, MOST_BYTES = 1_000, 4, 10**12
PAPER_SPLITS = ("3m", "6m", "1y", "full")  # of Netflix (slide 8), whatever the data set
SAMPLERS = ("log_uniform", "uniform", "choices")


def load_plan(config: Mapping[str, Any], folder: Path = FOLDER) -> Plan:
    """Check a config and the data set that it names, a file of `folder` or an entry of its own; return the plan.

    Raises InputError that names every wrong key, the value found and what was expected.
    """
    try:
        checked = Config.model_validate(dict(config))
    except ValidationError as error:
        raise _error(problems(error)) from None
    plan = Plan(checked, _dataset(checked, folder))
    for name in checked.across:
        _entry(name, checked, folder, "across")
    # What names something that is missing would break the checks after it.
    for check in (_check_splits, _check_settings, _check_runs, _check_blends, _check_names, _check_search):
        if found := list(check(plan)):
            raise _error(found)
    return plan


def _error(found: Iterable[str]) -> InputError:
    return InputError("\n".join(f"config: {problem}" for problem in found))


def _dataset(config: Config, folder: Path) -> Dataset:
    entry, at = _entry(config.dataset, config, folder, "dataset")
    if not isinstance(entry.get("source"), str) or entry["source"] not in DATASETS:
        found = f"found {shown(entry['source'])}" if "source" in entry else "missing"
        raise _error([f"{at}.source: {found}; choose from {_choices(DATASETS)}"])
    try:
        return DATASETS[entry["source"]].model_validate(entry)
    except ValidationError as error:
        raise _error(problems(error, at)) from None


def _entry(
    name: Any, config: Config, folder: Path, asked_by: str, before: tuple[str, ...] = ()
) -> tuple[dict[str, Any], str]:
    """Return what is said of a data set, in its file, in config.yaml and by those it is `like`, and where."""
    files, own = {path.stem: path for path in sorted(folder.glob("*.yaml"))}, config.datasets
    known = [other for other in dict.fromkeys([*own, *files]) if other not in before]
    if name not in known:
        raise _error([f"{asked_by}: found {name!r}; choose from {_choices(known)}"])
    at = f"datasets.{name}" if name in own else str(files[name].relative_to(folder.parents[1]))
    entry = _merged(read_yaml(files[name]) if name in files else {}, own.get(name, {}))
    if "like" in entry:
        base, _ = _entry(entry["like"], config, folder, f"{at}.like", (*before, name))
        entry = _merged({key: value for key, value in base.items() if key in TAKEN_OVER}, entry)
    return entry, at


def _merged(entry: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry with changes, key by key at every depth."""
    merged = dict(entry)
    for key, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def _check_splits(plan: Plan) -> Iterator[str]:
    """The data set's own names: its main split, audited splits, and what simulated ratings are called."""
    splits = plan.dataset.splits
    for key, names in (("main_split", [plan.dataset.main_split]), ("audit", plan.audit)):
        yield from _unknown(f"datasets.{plan.name}.{key}", "split", names, splits)
    if plan.dataset.source == "simulated":
        for key, found in (("key", plan.name), ("title", plan.dataset.title)):
            if "simulated" not in found.lower():
                yield (
                    f"datasets.{plan.name}: {key} {found!r}; "
                    "expected 'simulated' in it, for all that is made of simulated ratings must say so"
                )
    if plan.is_partial and "part" not in plan.dataset.title.lower():
        yield f"datasets.{plan.name}: title {plan.dataset.title!r}; expected 'part' in it, since partial is true"


def _check_settings(plan: Plan) -> Iterator[str]:
    """What differs for a model or a recipe, in config.yaml and in the data set."""
    for at, source in (("", plan.config), (f"datasets.{plan.name}.", plan.dataset)):
        yield from _unknown(f"{at}models", "model", source.models, MODELS)
        for model, values in source.models.items():
            if model in MODELS:
                yield from _check_values(plan, f"{at}models.{model}", MODELS[model], values)
        for recipe, values in source.recipes.items():
            yield from _check_values(plan, f"{at}recipes.{recipe}", MODELS[DEFAULT_MODEL], values)
    yield from _unknown(f"datasets.{plan.name}.recipes", "recipe", plan.dataset.recipes, plan.config.recipes)


def _check_values(plan: Plan, at: str, kind: type[ModelSettings], values: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with settings of a model: an unknown name, a value out of its range, an unknown shape."""
    shape = values.get("hidden")
    if isinstance(shape, str) and shape not in plan.config.shapes:
        yield f"{at}.hidden: unknown shape {shape!r}; choose from {_choices(plan.config.shapes)}"
        return
    try:
        size = BYTES * _n_weights(kind.model_validate(plan.with_shape(values)).model_dump())
    except ValidationError as error:
        yield from problems(error, at)
        return
    if size > MOST_BYTES:
        yield (
            f"{at}: found sizes of {size:.1e} bytes of weights for {ITEMS:,} items; expected at most {MOST_BYTES:.0e}"
        )


def _n_weights(settings: dict[str, Any]) -> int:
    """Return how many weights a model has at least, with `ITEMS` items: its layers', and its factors'."""
    hidden = settings.get("hidden", [])
    layers = [ITEMS, *(hidden if isinstance(hidden, list) else [hidden])]
    factors = sum(settings.get(name, 0) for name in ("rank", "embedding", "dynamic_rank"))
    return int(sum(a * b for a, b in pairwise(layers)) + ITEMS * factors)


def _check_runs(plan: Plan) -> Iterator[str]:
    """Every run against its model's settings, whether or not it is asked for."""
    for name, entry in plan.defined.items():
        at, model = f"run {name!r}", entry.get("model", DEFAULT_MODEL)
        if wrong := [key for key in OF_A_RUN if not isinstance(entry.get(key, ""), str)]:
            yield from (f"{at}.{key}: found {shown(entry[key])}; expected text" for key in wrong)
            continue
        recipes, splits = plan.config.recipes, plan.dataset.splits
        if "like" in entry:  # else it is taken over
            others = [other for other in plan.defined if other != name and "like" not in plan.defined[other]]
            yield f"{at}.like: found {entry['like']!r}; choose from {_choices(others)}"
        if "recipe" in entry:
            yield from _unknown(at, "recipe", [entry["recipe"]], recipes)
        if "split" in entry:
            yield from _unknown(at, "split", [entry["split"]], splits)
        yield from _unknown(at, "model", [model], MODELS)
        if model in MODELS:
            yield from _check_values(plan, at, MODELS[model], plan.values(name))


def _check_blends(plan: Plan) -> Iterator[str]:
    """The members of every blend: runs of its split that train, and plain biases among them."""
    for name, settings in plan.blends.items():
        at = f"run {name!r}"
        if unknown := [run for run in settings.inputs if run not in plan.defined]:
            yield from _unknown(f"{at}.members" if settings.base not in unknown else at, "run", unknown, plan.defined)
            continue
        for one, other in combinations(settings.members, 2):
            if plan.as_defined(one).settings == plan.as_defined(other).settings:
                yield f"{at}.members: {one!r} and {other!r} have the very same settings; expected members that differ"
        for member in settings.inputs:
            theirs, ours = plan.split_of(member), plan.split_of(name)
            if member in plan.blends:
                yield f"{at}: found a blend, {member!r}, among its members; expected runs that train"
            elif theirs != ours:
                yield f"{at}: found a member on another split, {member!r} on {theirs!r}; expected {ours!r}"
        model = plan.defined[settings.base].get("model", DEFAULT_MODEL)
        if model != BiasSettings.model:
            yield f"{at}.base: found {settings.base!r}, a model {model!r}; expected one of {BiasSettings.model!r}"
        if unknown_seeds := sorted(set(settings.seeds) - set(plan.config.seeds)):
            yield f"{at}.seeds: found {unknown_seeds}; choose from config's seeds, {plan.config.seeds}"


def _check_names(plan: Plan) -> Iterator[str]:
    """The names in ablations and in the final table: runs, labels, models; and those of data sets."""
    for at, name in [("dataset", plan.name), *(("across", name) for name in plan.config.across)]:
        if name in TAKEN:
            yield f"{at}: found {name!r}, where results/{name} holds other things; expected another name"
    for name, ablation in plan.ablations_as_written.items():
        at = f"ablation {name!r}"
        yield from _unknown(at, "run", [*ablation.runs.values(), *ablation.paper], plan.defined)
        for panel in ablation.panels:
            reference = [panel.reference] if panel.show == "change" or panel.reference else []
            yield from _unknown(f"{at}: panel", "label", [*(panel.runs or []), *reference], ablation.runs)
    if FINAL in plan.ablations_as_written:
        yield f"ablation {FINAL!r}: the final table has this name; choose another"
    for model, run in plan.models_as_written.items():
        yield from _unknown(f"final.models.{model}", "run", [run], plan.defined)
    if not plan.models_as_written:
        yield f"datasets.{plan.name}.final.models: every model is null; expected one that is not"
    elif not plan.models:
        yield f"only: found {plan.config.only!r}, where every model of `final` is a blend; expected one that is not"
    paper = plan.dataset.final.paper or plan.config.final.paper
    # Of a model that the data set leaves out, the paper's numbers are left out, too.
    yield from _unknown("final.paper", "model", paper, [*plan.models_as_written, *plan.dataset.final.models])
    for model, by_split in paper.items():
        yield from _unknown(
            f"final.paper.{model}", "split", by_split, dict.fromkeys([*PAPER_SPLITS, *plan.dataset.splits])
        )


def _check_search(plan: Plan) -> Iterator[str]:
    """What is searched: runs, their settings, and values that each run may have."""
    for name, searched in plan.config.search.runs.items():
        at = f"search.runs.{name}"
        if name not in plan.defined:
            yield from _unknown("search.runs", "run", [name], plan.defined)
            continue
        if name in plan.blends:
            yield f"{at}: found a blend, which has nothing to search; search its members"
            continue
        run = plan.run(name)
        kind = type(run.settings)
        if not searched:
            yield f"{at}: found {searched}; expected settings to search"
        if unknown := [setting for setting in searched if setting not in kind.model_fields]:
            yield from _unknown(at, "key", unknown, kind.model_fields)
            continue
        spaces = plan.space(name)
        wrong = [words for setting, space in spaces.items() for words in _check_space(plan, name, setting, space)]
        yield from wrong or _check_pairs(plan, name, spaces)


def _check_space(plan: Plan, run: str, setting: str, space: Space) -> Iterator[str]:
    at, kind = f"search.runs.{run}.{setting}", type(plan.run(run).settings)
    if not space:
        with_space = [field for field in kind.model_fields if kind.space_of(field)]
        yield f"{at}: has no space of its own; give one, or choose from {_choices(with_space)}"
        return
    if len(space) != 1 or not set(space) <= set(SAMPLERS):
        yield f"{at}: unknown key {_choices(space)}; choose one from {_choices(SAMPLERS)}"
        return
    [(sampler, values)] = space.items()
    if sampler != "choices" and not _is_range(values):
        yield f"{at}.{sampler}: found {shown(values)}; expected the low end before the high one"
    elif sampler == "log_uniform" and values[0] <= 0:
        yield f"{at}.{sampler}: found {values}; expected more than 0, for a logarithm"
    elif not values:
        yield f"{at}.{sampler}: found nothing; expected a value to choose"
    elif sampler == "choices" and any(value in values[:place] for place, value in enumerate(values)):
        yield f"{at}.{sampler}: found {shown(values)}; expected no value twice"
    else:
        # What lies between is a number with a fraction, which a whole number cannot take.
        values = values if sampler == "choices" else [*values, values[0] + 0.37 * (values[1] - values[0])]
    for value in values:
        tried = {**plan.values(run), setting: value}
        yield from _check_values(plan, f"search.runs.{run}", kind, tried)


def _check_pairs(plan: Plan, run: str, spaces: dict[str, Space]) -> Iterator[str]:
    """Two settings of a search whose values do not go together, though each does with the run as it stands."""
    kind, values = type(plan.run(run).settings), plan.values(run)
    for one, other in combinations(spaces, 2):
        at = f"search.runs.{run}: {one} with {other}"
        for pair in product(*spaces[one].values(), *spaces[other].values()):
            if found := list(_check_values(plan, at, kind, {**values, one: pair[0], other: pair[1]})):
                yield found[0]
                break


def _is_range(values: list[Any]) -> bool:
    numbers = all(isinstance(value, int | float) and abs(value) < 1e300 for value in values)
    return numbers and len(values) == 2 and bool(values[0] < values[1])


def _unknown(at: str, kind: str, names: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    known = list(known)
    for name in names:
        if name not in known:
            yield f"{at}: unknown {kind} {name!r}; choose from {_choices(known)}"


def _choices(names: Iterable[Any]) -> str:
    return ", ".join(map(str, names))
