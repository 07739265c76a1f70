"""Questions as they come over HTTP, checked before MLflow reads them: whatever is wrong is one sentence."""

import json
from typing import Any

from deeprec.runtime.files import InputError
from deeprec.serving.catalogue import Catalogue, Ids
from deeprec.serving.questions import KINDS

MOST_BYTES = 4 << 20  # of a question; 10,000 rows of the longest ids need 1 MB
JSON = "application/json"
FORMS = ("inputs", "dataframe_records", "dataframe_split")
EXAMPLE = '{"inputs": {"user_id": [42]}, "params": {"top": 5}}'
COLUMNS = ("user_id", "item_id", "ratings")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_whole(value: Any) -> bool:
    return type(value) is int and -(2**63) <= value < 2**63  # what a column can hold; True is not 1


def _is_number_of_items(value: Any) -> bool:
    return _is_whole(value) and value >= 1


def _is_yes_or_no(value: Any) -> bool:
    return isinstance(value, bool)


PARAMS = {"top": (_is_number_of_items, "a whole number from 1"), "hide_seen": (_is_yes_or_no, "true or false")}


class Refused(InputError):
    """A question that is not answered, with the HTTP status that says so."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def check_size(length: str | None) -> None:
    """Raise Refused where a question is longer than MOST_BYTES, or does not say how long it is."""
    if length is None or not length.isdecimal():
        raise Refused(411, "no Content-Length; expected the number of bytes that follow")
    if int(length) > MOST_BYTES:
        raise Refused(413, f"found {int(length):,} bytes; expected at most {MOST_BYTES:,}: ask in parts")


def check_question(body: bytes, kind: str, catalogue: Catalogue) -> None:
    """Raise Refused where a question is not what the model takes: its media type, form, columns, ids' types, params.

    What is left to the model is whether it knows the ids, and whether the ratings of a new user fit.
    """
    if kind.partition(";")[0].strip().lower() != JSON:
        raise Refused(415, f"Content-Type: found {kind or 'none'!r}; expected {JSON}")
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as error:
        told = str(error) if isinstance(error, json.JSONDecodeError) else "it can't be read"
        raise Refused(400, f"the question is no JSON ({told}); expected one such as {EXAMPLE}") from None
    if not isinstance(asked, dict):
        raise Refused(400, f"found {_short(asked)}; expected an object such as {EXAMPLE}")
    forms = [key for key in asked if key in FORMS]
    unknown = [key for key in asked if key not in (*FORMS, "params")]
    if len(forms) != 1 or unknown:
        raise Refused(400, f"found {_told(list(asked))}; expected one of {', '.join(FORMS)}, and perhaps params")
    _check_params(asked.get("params", {}))
    columns = _columns(forms[0], asked[forms[0]])
    if unknown := [name for name in columns if name not in COLUMNS]:
        raise Refused(400, f"unknown column {_told(unknown)}; expected {KINDS}")
    for name, ids in (("user_id", catalogue.users), ("item_id", catalogue.items)):
        _check_ids(columns.get(name, []), name, ids)


def _check_params(params: Any) -> None:
    if not isinstance(params, dict):
        raise Refused(400, f"params: found {_short(params)}; expected an object of {', '.join(PARAMS)}")
    for name, value in params.items():
        if name not in PARAMS:
            raise Refused(400, f"params: unknown {name!r}; expected {', '.join(PARAMS)}")
        fits, expected = PARAMS[name]
        if not fits(value):
            raise Refused(400, f"params: {name}: found {_short(value)}; expected {expected}")


def _columns(form: str, table: Any) -> dict[str, list[Any]]:
    """Return a table's values by column, each of the same length; raise Refused where it is no table."""
    if form == "inputs" and isinstance(table, dict) and all(isinstance(column, list) for column in table.values()):
        if len({len(column) for column in table.values()}) > 1:
            lengths = ", ".join(f"{len(column):,} of {name}" for name, column in table.items())
            raise Refused(400, f"inputs: found {lengths}; expected as many of each")
        return table
    if form == "dataframe_records" and isinstance(table, list) and all(isinstance(row, dict) for row in table):
        names = list(table[0]) if table else []
        for at, row in enumerate(table):
            if set(row) != set(names):
                raise Refused(400, f"row {at}: found {_told(list(row))}; expected {_told(names)}, as in row 0")
        return {name: [row[name] for row in table] for name in names}
    if form == "dataframe_split" and isinstance(table, dict) and {"columns", "data"} <= set(table):
        names, rows = table["columns"], table["data"]
        if isinstance(names, list) and isinstance(rows, list) and len(set(map(str, names))) == len(names):
            for at, row in enumerate(rows):
                if not isinstance(row, list) or len(row) != len(names):
                    raise Refused(400, f"row {at}: found {_short(row)}; expected a list of {len(names)} values")
            return {str(name): [row[at] for row in rows] for at, name in enumerate(names)}
    raise Refused(400, f"{form}: found {_short(table)}; expected a table as pandas writes it, or as in {EXAMPLE}")


def _check_ids(values: list[Any], name: str, ids: Ids) -> None:
    """Raise Refused at the first id that is none of its kind, before pandas guesses a type for all of them."""
    fits, such = (_is_text, "a text") if ids.are_names else (_is_whole, "a whole number")
    for at, value in enumerate(values):
        if not fits(value):
            example = json.dumps(ids.known[:1].tolist()[0], ensure_ascii=False)
            raise Refused(400, f"row {at}: {name}: found {_short(value)}; expected {such} such as {example}")


def _short(value: Any) -> str:
    words = json.dumps(value, ensure_ascii=False)
    return words if len(words) <= 60 else words[:57] + "…"


def _told(names: list[Any]) -> str:
    return ", ".join(map(str, names[:10])) or "nothing"
