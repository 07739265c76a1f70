"""One small table in the forms that people hand in, and the ways to spoil it."""

import bz2
import gzip
import io
import lzma
import zipfile
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

TEXT = "day,stars,what,who,other\n2005-02-01,4,20,2,x\n2005-01-31,5,20,1,x\n2005-03-01,3,10,1,x\n"
ROWS = [(1, 10, 3, "2005-03-01"), (1, 20, 5, "2005-01-31"), (2, 20, 4, "2005-02-01")]


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip of files, deflated."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()


def zstd(content: bytes) -> bytes:
    """A zstd file."""
    held = pa.BufferOutputStream()
    with pa.CompressedOutputStream(held, "zstd") as file:
        file.write(content)
    return held.getvalue().to_pybytes()


COMPRESSED = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstd}
COMPRESSED["zip"] = lambda content: zipped({"r.csv": content})


def parquet(**columns: Any) -> bytes:
    """Two ratings as a Parquet file, some of their columns changed."""
    base = {"who": [1, 2], "what": [5, 6], "stars": [1.0, 2.0], "day": pa.array([12_000, 12_001], pa.date32())}
    held = pa.BufferOutputStream()
    pq.write_table(pa.table({**base, **columns}), held)
    return held.getvalue().to_pybytes()


def lines(*rows: str) -> bytes:
    """A table of these lines below its head."""
    return "\n".join(["day,stars,what,who", *rows, ""]).encode()


def flipped(content: bytes, at: int) -> bytes:
    """The same bytes but for one."""
    return content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]


def header_changed(content: bytes, local: int, value: int) -> bytes:
    """A zip whose only member has a byte of both its headers changed, at `local` of the local one."""
    central = content.find(b"PK\x01\x02")
    changed = bytearray(content)
    changed[local] = changed[central + local + 2] = value
    return bytes(changed)
