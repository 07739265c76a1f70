"""What config.yaml plans for one data set: the resolved runs, the ablations and the final table."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from deeprec.config.definitions import BLEND, DEFAULT_MODEL, copy_name, define_runs
from deeprec.config.run_settings import Run
from deeprec.config.schema import FINAL, Ablation, Config, Dataset
from deeprec.settings.audit import Audit
from deeprec.settings.base import Settings, Space, setting
from deeprec.settings.blend import BlendSettings
from deeprec.settings.models import MODELS
from deeprec.settings.splits import TimeSplit

AUTOENCODERS = ("A", "B", "C", "D", "E")  # the paper's experiments with autoencoders alone
OF_THE_PAPER = (*AUTOENCODERS, "F")
OF_A_RUN = ("model", "split", "recipe", "like")  # what a run's entry may say beside its model's settings


class FinalTable(Settings):
    """The final table: its splits, the run of every model on each, and the paper's numbers."""

    models: dict[str, str] = setting(..., "name in the table: run on the main split")
    runs: dict[str, dict[str, str]] = setting(..., "run by model and split")
    splits: list[str] = setting(..., "all splits, in their order")
    main_split: str = setting(..., "split of the runs that name none")
    tuned: int = setting(..., "trials of the search that chose the runs' settings on this data set; 0: none did")
    paper: dict[str, dict[str, float]] = setting(..., "the paper's test RMSE on Netflix, by model and split")


@dataclass(frozen=True)
class Plan:
    """What is to be made of one data set. `load_plan` makes one, after all checks."""

    config: Config
    dataset: Dataset

    @property
    def name(self) -> str:
        """The data set's name, a part of every path."""
        return self.config.dataset

    @cached_property
    def defined(self) -> dict[str, dict[str, Any]]:
        """What every run's entries say, by name."""
        return define_runs(self.config, self.dataset, self.models_as_written.values())

    @cached_property
    def models_as_written(self) -> dict[str, str]:
        """The final table's models and their runs; those that the data set leaves out are gone."""
        named = {**self.config.final.models, **self.dataset.final.models}
        return {model: run for model, run in named.items() if run is not None}

    @cached_property
    def models(self) -> dict[str, str]:
        """Those that are asked for: of the paper alone, none that is a blend or that the data set adds."""
        everyone, asked = self.models_as_written, self.config.final.models
        if not self.config.only:
            return everyone
        return {model: run for model, run in everyone.items() if model in asked and run not in self.blends}

    @cached_property
    def _copies(self) -> dict[str, dict[str, str]]:
        main, splits = self.dataset.main_split, self.dataset.splits
        return {model: {split: copy_name(run, split, main) for split in splits} for model, run in self.models.items()}

    def values(self, name: str) -> dict[str, Any]:
        """Return the settings that a run does not leave at its model's defaults; a shape's name as its sizes."""
        entry = self.defined[name]
        model, recipe = entry.get("model", DEFAULT_MODEL), entry.get("recipe", "")
        values: dict[str, Any] = {}
        for source in (self.config.models, self.dataset.models):
            values |= source.get(model, {})
        for source in (self.config.recipes, self.dataset.recipes):
            values |= source.get(recipe, {})
        values |= {key: value for key, value in entry.items() if key not in OF_A_RUN}
        return self.with_shape(values)

    def with_shape(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return settings with the sizes of the shape that `hidden` may name."""
        shape = values.get("hidden")
        return {**values, "hidden": self.config.shapes.get(shape, shape)} if isinstance(shape, str) else values

    def run(self, name: str) -> Run:
        """Return a run, resolved, but for its seed; a blend's members by the names under which they train."""
        run = self.as_defined(name)
        if not isinstance(run.settings, BlendSettings):
            return run
        trained = {name: self._names.get(name, name) for name in run.settings.inputs}
        members = list(dict.fromkeys(trained[member] for member in run.settings.members))
        return run.with_settings(members=members, base=trained[run.settings.base])

    def as_defined(self, name: str) -> Run:
        """Return a run, resolved, but for its seed; a blend's members by the names that are written."""
        entry = self.defined[name]
        split, model = self.split_of(name), entry.get("model", DEFAULT_MODEL)
        return Run(
            self.name,
            name,
            split,
            self.split_definition(split),
            MODELS[model](**self.values(name)),
            recipe=entry.get("recipe"),
            relevant=self.dataset.relevant,
        )

    def split_of(self, name: str) -> str:
        """Return the split of a run."""
        split: str = self.defined[name].get("split", self.dataset.main_split)
        return split

    @cached_property
    def blends(self) -> dict[str, BlendSettings]:
        """The runs that are made of others, whether or not they are asked for, with their members as written."""
        names = [name for name, entry in self.defined.items() if entry.get("model") == BLEND]
        return {name: BlendSettings(**self.values(name)) for name in names}

    def inputs(self, run: str, seeds: list[int]) -> list[tuple[str, int]]:
        """Return the trainings, by run and seed, that a blend with some seeds is made of."""
        settings = self.run(run).settings
        assert isinstance(settings, BlendSettings), "asked of blends alone"
        needed = dict.fromkeys(member for seed in seeds for member in settings.seeds_of(seed))
        return [(name, seed) for name in settings.inputs for seed in needed]

    @cached_property
    def _names(self) -> dict[str, str]:
        """The run that trains for each that is asked for: of several with the very same settings, the first defined."""
        asked = {run for runs in self._asked.values() for run in runs.values()}
        asked |= {member for name in asked & set(self.blends) for member in self.blends[name].inputs}
        trained: dict[str, str] = {}
        names = {}
        for name in self.defined:
            if name in asked:
                run = self.as_defined(name)
                names[name] = trained.setdefault(f"{run.model} {run.split} {run.settings!r}", name)
        return names

    @cached_property
    def _asked(self) -> dict[str, dict[str, str]]:
        main = self.dataset.main_split
        final = {
            model if split == main else f"{model} on {split}": run
            for model, copies in self._copies.items()
            for split, run in copies.items()
        }
        return {**{name: ablation.runs for name, ablation in self.ablations_as_written.items()}, FINAL: final}

    @cached_property
    def ablations_as_written(self) -> dict[str, Ablation]:
        """Ablations by name but those that are null, those of the data set last, their runs as they are named there."""
        written = {**self.config.ablations, **self.dataset.ablations}
        return {
            name: ablation
            for name, ablation in written.items()
            if ablation and (self.config.only is None or ablation.experiment in OF_THE_PAPER)
        }

    @cached_property
    def groups(self) -> dict[str, dict[str, str]]:
        """The runs of each ablation by label; the final table's labels are "MODEL" and "MODEL on SPLIT"."""
        return {group: {label: self._names[run] for label, run in runs.items()} for group, runs in self._asked.items()}

    @cached_property
    def runs(self) -> dict[str, Run]:
        """Every run that an ablation or the final table asks for, and the members of those that are blends."""
        asked = [run for runs in self.groups.values() for run in runs.values()]
        found = {run: self.run(run) for run in asked}
        return found | {
            name: self.run(name) for run in found if run in self.blends for name, _ in self.inputs(run, [0])
        }

    @cached_property
    def ablations(self) -> dict[str, Ablation]:
        """Ablations by name, with the runs that train for those that are named."""
        return {
            name: ablation.model_copy(
                update={
                    "runs": self.groups[name],
                    "paper": {self._names.get(run, run): rmse for run, rmse in ablation.paper.items()},
                }
            )
            for name, ablation in self.ablations_as_written.items()
        }

    @cached_property
    def final(self) -> FinalTable:
        """The final table."""
        special = self.dataset.final
        paper = self.config.final.paper if special.paper is None else special.paper
        return FinalTable(
            models={model: self._names[run] for model, run in self.models.items()},
            runs={m: {s: self._names[run] for s, run in copies.items()} for m, copies in self._copies.items()},
            splits=list(self.dataset.splits),
            main_split=self.dataset.main_split,
            tuned=self.config.final.tuned if special.tuned is None else special.tuned,
            paper={model: rmse for model, rmse in paper.items() if model in self.models},
        )

    @property
    def paper(self) -> dict[str, dict[str, float]]:
        """The paper's Netflix RMSE, by the part that it was measured on (valid, test) and by run."""
        found: dict[str, dict[str, float]] = {"valid": {}, "test": {}}
        for ablation in self.ablations.values():
            found[ablation.paper_part].update(ablation.paper)
        for model, values in self.final.paper.items():
            runs = self.final.runs[model]
            found["test"] |= {runs[split]: value for split, value in values.items() if split in runs}
        return found

    @property
    def is_partial(self) -> bool:
        """Whether the data set is a part of the one that its source means."""
        return bool(getattr(self.dataset, "partial", False))

    @property
    def audit(self) -> Audit:
        """The published counts by split, empty where the data set has none, or is a part of the one they are of."""
        return {} if self.is_partial else self.dataset.audit

    def split_definition(self, split: str) -> TimeSplit:
        """Return everything that defines a split."""
        definition = self.dataset.splits[split]
        seed = self.dataset.split_seed if definition.seed is None else definition.seed
        return definition.model_copy(update={"seed": seed})

    @property
    def splits(self) -> list[str]:
        """The splits that runs use, and so are made."""
        return list(dict.fromkeys(run.split for run in self.runs.values()))

    @property
    def originals(self) -> dict[str, Ablation]:
        """The ablations of the paper's experiments whose runs are autoencoders, as the authors' program trains them."""
        return {
            name: ablation
            for name, ablation in self.ablations.items()
            if ablation.experiment in AUTOENCODERS
            and all(self.runs[run].model == DEFAULT_MODEL for run in ablation.runs.values())
        }

    @property
    def original_runs(self) -> list[str]:
        """The runs behind them."""
        return list(dict.fromkeys(run for ablation in self.originals.values() for run in ablation.runs.values()))

    def splits_of(self, ablation: str) -> list[str]:
        """Return the splits of an ablation's runs."""
        return list(dict.fromkeys(self.runs[run].split for run in self.ablations[ablation].runs.values()))

    def space(self, run: str) -> dict[str, Space]:
        """Return where a search samples each setting of a run from; shapes' names as their sizes."""
        searched, kind = self.config.search.runs[run], type(self.as_defined(run).settings)
        given = searched if isinstance(searched, dict) else dict.fromkeys(searched)
        return {name: self._with_shapes(name, space or kind.space_of(name) or {}) for name, space in given.items()}

    def _with_shapes(self, name: str, space: Space) -> Space:
        return {
            sampler: [self.with_shape({name: value})[name] for value in values] for sampler, values in space.items()
        }

    def searched(self) -> dict[str, str]:
        """Return what the search may change of each model that it searches for, as it stands, in words."""
        searched = self.config.search.runs
        return {
            model: ", ".join(f"{name} {getattr(self.run(run).settings, name)}" for name in searched[run])
            for model, run in self.models.items()
            if run in searched
        }

    def processes(self, run: str, threads: int | None = None) -> int:
        """Return how many processes train a run: `processes`, but one for a model that cannot be shared.

        Of no more `threads` than a job may have, they are as many as have theirs, at least one.
        """
        wanted = self.config.processes if self.run(run).settings.shared else 1
        return wanted if threads is None else max(1, min(wanted, threads // self.config.threads))

    def learner(self, run: str) -> str:
        """Return the module that trains or makes a run, which scripts import by its name alone."""
        settings = self.as_defined(run).settings
        return (settings.maker or settings.learner).partition(":")[0]

    def training_mb(self, run: str, size_mb: float) -> int:
        """Return the MB to reserve for a run, by the size of its split's files (docs/scale.md)."""
        return self.run(run).settings.training_mb(size_mb)

    def training_minutes(self, run: str, size_mb: float) -> int:
        """Return the minutes to reserve for a run with one seed, by the size of its split's files (docs/scale.md)."""
        return self.run(run).settings.training_minutes(size_mb)
