"""The settings of a blend of other runs."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from deeprec.settings.base import ModelSettings, setting


def _different(names: list[str]) -> list[str]:
    if len(set(names)) < len(names):
        raise ValueError("expected no member twice")
    return names


class BlendSettings(ModelSettings):
    """What defines a blend, b + Σ w_k (p_k - b): the members' predictions p_k about those b of plain biases."""

    model: ClassVar[str] = "blend"
    learner: ClassVar[str] = "deeprec.models.blend:BlendLearner"
    dated: ClassVar[bool] = True  # a member may be
    maker: ClassVar[str] = "deeprec.training.blend:blend_run"

    members: Annotated[list[str], AfterValidator(_different)] = setting(
        ..., "runs of the same split whose predictions are blended", min_length=2
    )
    base: str = setting("bias", "run of the plain biases b")
    weights: Literal["by_features", "fitted", "equal"] = setting(
        "by_features",
        "fitted: w ≥ 0 by least squares on validation; by_features: drawn towards these, but following the user's and "
        "the item's number of ratings and b, which it corrects, too; equal: the same for each, 1 together",
    )
    prior: float = setting(1000.0, "validation ratings that the fitted weights count for, by_features", gt=0)
    seeds: list[Annotated[int, Field(ge=0)]] = setting(
        [], "seeds over which each member's predictions are averaged; none: the blend's own seed alone"
    )
    clip: bool = setting(True, "predictions are moved into the range of the training ratings")
    epochs: int = setting(1, "always 1: nothing is trained", ge=1, le=1)

    @property
    def inputs(self) -> list[str]:
        """The runs that it is made of, that of the biases first."""
        return [self.base, *(member for member in self.members if member != self.base)]

    def seeds_of(self, seed: int) -> list[int]:
        """Return the seeds of the members behind the blend with one seed."""
        return self.seeds or [seed]
