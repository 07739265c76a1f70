"""docs/use.md: what it shows works as it stands, but for the ids, which are the toy data set's."""

import re
from typing import Any

from deeprec.runtime.files import ROOT

TOY = {
    "(42, [50, 181])": "(107, [4, 7])",
    "[42, 7]": "[107, 114]",
    "[50, 181, 172]": "[4, 7, 10]",
    "[1, 2]": "[13, 16]",
}
COLUMNS = [
    ["user_id", "item_id", "title", "prediction"],
    ["user_id", "rank", "item_id", "title", "prediction"],
    ["rank", "item_id", "title", "prediction"],
    ["item_id", "title", "prediction"],
]


def test_the_python_of_the_page_runs(dataset):
    code = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "use.md").read_text(), re.DOTALL)[0]
    for theirs, ours in {**TOY, "results/movielens-100k/runs/deeprec_plus": f"{dataset}/runs/deeprec"}.items():
        assert theirs in code
        code = code.replace(theirs, ours)
    names: dict[str, Any] = {}
    answers = []
    for line in code.splitlines():
        if re.match(r"import|\w+ =", line):
            exec(line, names)
        elif line:
            answers.append(eval(line, names))
    assert [list(answer.columns) for answer in answers] == COLUMNS
