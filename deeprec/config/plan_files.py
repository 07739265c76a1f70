"""What each rule is told of the plan: a small file, written anew only when its content changes.

The workflow writes `plan/{name}.yaml`, and a script reads it back into the class that wrote it; so an edit of
config.yaml reruns what depends on it alone, and no text travels through a shell.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar, overload

from pydantic import TypeAdapter, ValidationError

from deeprec.config.plan import FinalTable, Plan
from deeprec.config.run_settings import Run, parse_run, read_yaml, to_yaml
from deeprec.config.schema import Ablation
from deeprec.runtime.files import InputError
from deeprec.settings.audit import Audit
from deeprec.settings.base import Settings, Space, problems

T = TypeVar("T", bound=Settings)


class AuditPlan(Settings):
    """For `audit_splits`: the published counts, and what a difference does."""

    expected: Audit
    action: Literal["stop", "warn"]


class TablesPlan(Settings):
    """For `tabulate_results`: the paper's RMSE by part and run, published counts, and the final table."""

    dataset: str
    paper: dict[str, dict[str, float]]
    published: Audit
    final: FinalTable


class ClaimsPlan(Settings):
    """For `judge_claims`: the runs by label of each ablation and the final table; the ablations with claims of ours."""

    groups: dict[str, dict[str, str]]
    changes: dict[str, Ablation]


class AblationPlan(Settings):
    """For `draw_ablation`: the ablation, the data set's name in figures, and the seeds to draw."""

    ablation: Ablation
    title: str
    seeds: list[int]


class FinalPlan(Settings):
    """For `draw_final`: the splits, a panel each, the data set's name in figures, and the seeds behind the table."""

    splits: list[str]
    title: str
    seeds: list[int]


class OriginalPlan(Settings):
    """For `compare_original`: the ablations that the authors' program trains, too."""

    title: str
    seeds: list[int]
    commit: str  # of the authors' repository
    ablations: dict[str, Ablation]


class ReportPlan(Settings):
    """For `write_report`: all that the page says of the plan."""

    dataset: str
    title: str
    source: str  # which kind of data; only `netflix` is compared with the paper's numbers
    main_split: str
    seeds: list[int]
    ablations: dict[str, Ablation]
    final: FinalTable
    searched: dict[str, str]  # what a search may change of each model, as it stands, in words
    trials: int
    search_seed: int
    relevant: float | None = None  # stars from which on a test rating counts for NDCG and recall


class SearchPlan(Settings):
    """For `search_settings` and `draw_search`: a run, where its settings are sampled from, and how often."""

    title: str  # of the data set, for figures
    run: dict[str, Any]  # as in settings.yaml, without a seed
    space: dict[str, Space]
    trials: int
    seed: int

    def parsed(self, path: Path) -> Run:
        """Return the run; raise InputError naming the file where it is none."""
        return parse_run(self.run, str(path))


class TuningPlan(Settings):
    """For `write_tuning`: what was searched, and the spaces by run."""

    dataset: str
    title: str
    main_split: str
    spaces: dict[str, dict[str, Space]]
    trials: int
    seed: int


class ViewPlan(Settings):
    """What MLflow's page shows of an ablation: the quantities of its figure's panels."""

    experiment: str | None = None
    shows: list[str]


class TrackingPlan(Settings):
    """For `track_results`: the views, all groups' runs by label, and the final table's on the main split by model."""

    views: dict[str, ViewPlan]
    groups: dict[str, dict[str, str]]
    final: dict[str, str]


def member_files(plan: Plan, seeds: list[int], files: list[str]) -> Callable[[Any], list[str]]:
    """Return a rule's input function, of wildcards: the files of the runs that a blend with these seeds is made of.

    Any other run is made of none.
    """
    return lambda wildcards: [
        f"results/{wildcards.dataset}/runs/{name}/seed_{seed}/{file}"
        for name, seed in (plan.inputs(wildcards.run, seeds) if wildcards.run in plan.blends else [])
        for file in files
    ]


def plan_text(plan: Plan, name: str) -> str:
    """Return the content of `plan/{name}.yaml`; a name is that of a rule's kind, and perhaps of one of its cases."""
    kind, _, case = name.partition("/")
    told: dict[str, Callable[[], Settings]] = {
        "source": lambda: plan.dataset.definition,
        "splits": lambda: plan.split_definition(case),
        "audit": lambda: AuditPlan(expected=plan.audit, action=plan.dataset.audit_action),
        "tables": lambda: TablesPlan(dataset=plan.name, paper=plan.paper, published=plan.audit, final=plan.final),
        "claims": lambda: ClaimsPlan(groups=plan.groups, changes=_with_changes(plan)),
        "ablations": lambda: AblationPlan(
            ablation=plan.ablations[case], title=plan.dataset.title, seeds=plan.config.seeds
        ),
        "final": lambda: FinalPlan(splits=plan.final.splits, title=plan.dataset.title, seeds=plan.config.seeds),
        "original": lambda: plan.config.original,
        "original_runs": lambda: OriginalPlan(
            title=plan.dataset.title,
            seeds=plan.config.seeds,
            commit=plan.config.original.commit,
            ablations=plan.originals,
        ),
        "report": lambda: _report(plan),
        "search": lambda: _search(plan, case),
        "tuning": lambda: _tuning(plan),
        "tracking": lambda: _tracking(plan),
    }
    return to_yaml(told[kind]().model_dump(mode="json", exclude_none=True))


def _with_changes(plan: Plan) -> dict[str, Ablation]:
    return {name: found for name, found in plan.ablations.items() if any(p.show == "change" for p in found.panels)}


def _tracking(plan: Plan) -> TrackingPlan:
    views = {
        name: ViewPlan(experiment=found.experiment, shows=list(dict.fromkeys(panel.show for panel in found.panels)))
        for name, found in plan.ablations.items()
    }
    return TrackingPlan(views=views, groups=plan.groups, final=plan.final.models)


def _report(plan: Plan) -> ReportPlan:
    return ReportPlan(
        dataset=plan.name,
        title=plan.dataset.title,
        source=plan.dataset.source + (", in part" if plan.is_partial else ""),
        main_split=plan.dataset.main_split,
        seeds=plan.config.seeds,
        ablations=plan.ablations,
        final=plan.final,
        searched=plan.searched(),
        trials=plan.config.search.trials,
        search_seed=plan.config.search.seed,
        relevant=plan.dataset.relevant,
    )


def _search(plan: Plan, run: str) -> SearchPlan:
    search = plan.config.search
    return SearchPlan(
        title=plan.dataset.title,
        run=plan.run(run).as_dict(),
        space=plan.space(run),
        trials=search.trials,
        seed=search.seed,
    )


def _tuning(plan: Plan) -> TuningPlan:
    search, dataset = plan.config.search, plan.dataset
    return TuningPlan(
        dataset=plan.name,
        title=dataset.title,
        main_split=dataset.main_split,
        spaces={run: plan.space(run) for run in search.runs},
        trials=search.trials,
        seed=search.seed,
    )


@overload
def read_plan(path: Path, kind: type[T]) -> T: ...


@overload
def read_plan(path: Path, kind: object) -> Any: ...


def read_plan(path: Path, kind: Any) -> Any:
    """Read a file of the plan into a class or an annotated union; raise InputError where it does not fit."""
    try:
        return TypeAdapter(kind).validate_python(read_yaml(path))
    except ValidationError as error:
        raise InputError("\n".join(f"{path}: {problem}" for problem in problems(error))) from error
