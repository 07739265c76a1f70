"""Reading what torch.save wrote: a zip file whose parts carry checksums, of which torch checks none."""

import zipfile
from pathlib import Path
from typing import Any

import torch

from deeprec.runtime.files import InputError


def read_torch(path: Path) -> dict[str, Any]:
    """Read a state or a checkpoint to the CPU, without running any code of it; raise InputError where it is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        if damaged is None:
            found: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
            return found
    except MemoryError:
        raise
    except Exception as error:  # a damaged directory of the zip file fails either reader in any of a dozen ways
        raise InputError(f"{path}: damaged ({' '.join(str(error).split()) or type(error).__name__})") from error
    raise InputError(f"{path}: damaged ({damaged} does not match its checksum)")
