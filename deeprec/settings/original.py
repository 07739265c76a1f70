"""Where the authors' own program comes from."""

from typing import Annotated

from pydantic import AfterValidator, Field

from deeprec.settings.base import Settings, setting


def _not_an_option(text: str) -> str:
    if text.startswith("-"):
        raise ValueError("expected an address or a path; git would take it for an option")
    return text


Plain = Annotated[str, AfterValidator(_not_an_option)]


class OriginalSettings(Settings):
    """The authors' repository, at one commit."""

    url: Plain = setting("https://github.com/NVIDIA/DeepRecommender", "the repository, fetched by git", min_length=1)
    commit: Annotated[str, Field(pattern="^[0-9a-f]{40}$")] = setting(
        "a32a8a5c23092c551616acf6fac5b32e1155d18b", "the commit, whose files' hashes stand in workflow/original.sha256"
    )
    path: Plain | None = setting(None, "a clone of it on this machine, in place of the address")
