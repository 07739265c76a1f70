"""How benchmarks measure a process, and the exponents that benchmarks/cost_growth.py fits."""

import numpy as np
import pandas as pd
import pytest


def test_a_process_has_its_own_peak_not_its_parent_s(benchmark):
    measure = benchmark("processes").measure
    held = np.ones(20_000_000)  # 160 MB
    small, large = (measure("-c", f"held = b'1' * {n:_}") for n in (1, 50_000_000))
    assert small.peak_bytes < held.nbytes / 2
    assert large.peak_bytes - small.peak_bytes == pytest.approx(50_000_000, abs=5_000_000)


def test_a_script_runs_as_by_itself(benchmark, tmp_path):
    script = tmp_path / "script.py"
    (tmp_path / "beside.py").write_text("WORDS = 'beside'\n")
    script.write_text(
        "import sys\nfrom beside import WORDS\nfrom pathlib import Path\n"
        "if __name__ == '__main__':\n    Path(sys.argv[1]).write_text(f'{WORDS} {sys.argv}')\n"
    )
    benchmark("processes").measure(script, tmp_path / "said")
    assert (tmp_path / "said").read_text() == f"beside {[str(script), str(tmp_path / 'said')]}"
    with pytest.raises(RuntimeError, match=r"script.py failed: (?s:.*)IndexError"):
        benchmark("processes").measure(script)


def test_exponent_of_powers(benchmark):
    exponent = benchmark("cost_growth").exponent
    n = np.array([1e5, 1e6, 1e7, 1e8])
    assert exponent(n, 3 * n**1.1) == pytest.approx(1.1)
    assert exponent(n, np.array([5e8, 1e6, 1e7, 1e8])) == pytest.approx(1)  # start-up is left out
    assert np.isnan(exponent(n[:2], n[:2]))


def test_a_row_a_stage_with_all_sizes(benchmark):
    rows = [
        {"ratings": n, "what": what, "seconds": n * 1e-6, "bytes": 5e6} for n in (1e6, 1e7) for what in ("parse", "als")
    ]
    table = benchmark("cost_growth").growth(pd.DataFrame(rows))
    assert table[""].tolist() == ["parse", "als"]
    assert table.iloc[0].tolist()[1:] == ["1.0", "5", "10.0", "5", "1.00", "0.00"]


def test_netflix_s_proportions(benchmark):
    plan = benchmark("cost_growth").plan_for(1_000_000).dataset.definition
    assert (plan.n_ratings, plan.n_users, plan.n_items) == (1_000_000, 4779, 17_770)
