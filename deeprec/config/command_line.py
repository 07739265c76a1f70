"""What `snakemake --config key=value` says, with the types that it would have in config.yaml."""

from collections.abc import Mapping
from typing import Any

import yaml


def typed(value: Any) -> Any:
    """Return a value of the command line as YAML would read it.

    Inside of lists and mappings, Snakemake leaves all as text. A text that is no number, truth or null stays as it is.
    """
    if isinstance(value, Mapping):
        return {key: typed(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [typed(entry) for entry in value]
    if isinstance(value, str):
        try:
            read = yaml.safe_load(value)
        except yaml.YAMLError:
            return value
        return read if read is None or isinstance(read, bool | int | float) else value
    return value
