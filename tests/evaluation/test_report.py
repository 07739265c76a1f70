"""The report: whole, escaped, self-contained, and readable in a browser at phone and desk width."""

import html
import re
import shutil
from dataclasses import replace

import pandas as pd
import pytest

from deeprec.config.checks import load_plan
from deeprec.config.plan import FinalTable
from deeprec.config.plan_files import ReportPlan
from deeprec.config.schema import Ablation
from deeprec.evaluation.figure_style import save
from deeprec.evaluation.report import (
    Results,
    data_uri,
    inline_svg,
    render_report,
    report_context,
    stage_durations,
)
from deeprec.evaluation.tables import datasets_table, write_csv
from deeprec.runtime.files import write_json
from tests.evaluation.test_ablation_figure import ABLATION, curves, draw_ablation

NAN = float("nan")


PLAN = ReportPlan(
    dataset="toy",
    title="Toy & ratings",
    source="csv",
    main_split="3m",
    seeds=[0, 1, 2],
    ablations={
        "depth": Ablation(title="Depth", runs={"2": "depth_2"}, experiment="C", slide=15, note="Layers & more"),
    },
    final=FinalTable(
        models={"DeepRec": "depth_2"},
        runs={"DeepRec": {"3m": "depth_2"}},
        splits=["3m"],
        main_split="3m",
        tuned=20,
        paper={},
    ),
    searched={"DeepRec": "lr 0.02"},
    trials=20,
    search_seed=0,
)
CLAIM = {
    "experiment": "C",
    "claim": "depth_more",
    "verdict": "not held",
    "statement": "Deeper <b>helps</b>",
    "sentence": "Not held: +0.1.",
    "compared": "a less b",
    "paper_effect": -0.1845,
    "slide": 15,
    "asserts": "below 0",
    "effect": 0.1,
    "low": 0.05,
    "high": 0.15,
}
OWN = {**CLAIM, "experiment": "F+", "statement": "DeepRec+ leads", "paper_effect": NAN, "slide": NAN, "verdict": "held"}
PART = {
    "split": "3m",
    "part": "train",
    "n_ratings": 69575,
    "n_users": 943,
    "n_items": 1574,
    "first_date": "1997-09-20",
    "last_date": "1998-04-22",
    "min_rating": 1,
    "max_rating": 5,
    "published_ratings": NAN,
    "published_users": NAN,
    "published_items": NAN,
    "n_unseen": NAN,
    "n_unseen_users": NAN,
    "n_unseen_items": NAN,
    "n_tied": NAN,
    **dict.fromkeys(["n_zero", "n_repeated", "n_rare", "n_rare_users", "n_rare_items"], NAN),
}


def results(folder) -> Results:
    """Tables of one run, as the pipeline's have them, and figures."""
    for name in ("depth", "final"):
        figure = draw_ablation(ABLATION, [curves("2", "depth_2"), curves("4", "depth_4")], "Toy", 4.0)
        save(figure, folder / "figures" / f"{name}.svg")
    row = {
        "run": "depth_2", "model": "autoencoder", "split": "3m", "valid_rmse_mean": 1.28, "valid_rmse_sd": 0.01,
        "test_rmse_mean": 1.26, "test_rmse_sd": NAN, "paper_valid_rmse": 1.146, "paper_test_rmse": NAN, "test_gap": NAN,
        "valid_gap": 0.134, "best_epoch_mean": 90.0, "n_parameters": 404646, "seconds_mean": 7.4, "n_diverged": 0,
        "n_seeds": 3, "peak_memory_mb": 700.0,
    }  # fmt: skip
    final = {
        "model": "DeepRec", "rmse_3m": 1.033, "sd_3m": 0.002, "best_3m": True, "diverged_3m": 1, "paper_3m": 0.9373,
        "n_test_3m": 728, "n_train_3m": 33023, "seconds": 12.0, "bytes": 1500.0,
    }  # fmt: skip
    training = {"run": "depth_2", "seed": 0, "commit": "abc", "machine": "2 × CPU", "versions": "torch 2"}
    rows = {"results": row, "trainings": training, "datasets": PART, "claims": CLAIM, "own_claims": OWN, "final": final}
    for name, values in rows.items():
        write_csv(pd.DataFrame([values]), folder / "tables" / f"{name}.csv")
    return Results.read(
        folder / "tables", *(folder / name for name in ("figures", "original", "across.csv", "search", "benchmarks"))
    )


def render(folder, plan: ReportPlan = PLAN, **tables: pd.DataFrame) -> str:
    return render_report(report_context(plan, replace(results(folder), **tables)))


@pytest.fixture
def page(tmp_path) -> str:
    return render(tmp_path)


def test_claims_of_ours_stand_apart_and_count_for_none_of_the_paper_s(page):
    counts, rest = page.split('<ul class="counts"')[1].split("</ul>", 1)
    assert "<b>0</b>held" in counts and "<b>1</b>not held" in counts and "<b>0</b>unclear" in counts
    assert "DeepRec+ leads" not in rest.split("<section")[0]
    assert "DeepRec+ leads" in page.split("Beyond the paper, by the same rule:")[1]


def test_the_final_table_closes_the_paper_s_experiments_and_what_is_not_the_paper_s_follows(tmp_path):
    other = Ablation(title="Recipe", runs={"fast": "depth_2"})
    # Defined before the paper's own, it still comes after them.
    plan = PLAN.model_copy(update={"ablations": {"recipe": other, **PLAN.ablations}})
    results(tmp_path)
    shutil.copy(tmp_path / "figures/depth.svg", tmp_path / "figures/recipe.svg")
    page = render(tmp_path, plan)
    assert re.findall('<section id="([^"]*)"', page)[:3] == ["depth", "final", "recipe"]
    assert re.findall('href="#([^"]*)"', page.split("</nav>")[0])[:4] == ["verdicts", "depth", "final", "recipe"]


def test_page_says_what_was_found_and_of_what(page):
    for words in (
        "1.2800 ± 0.0100",
        "1.2600<",
        "1.1460",
        "+0.1340",
        "69,575",
        "<title>DeepRec on Toy &amp; ratings</title>",
        "Layers &amp; more",
        "abc",
    ):
        assert words in page


def test_page_says_how_the_models_were_tuned(page, tmp_path):
    for words in (
        'class="best">1.0330 ± 0.0020 (1 diverged)',
        "0.9373",
        "728",
        "20 trials",
        "lr 0.02",
        "stand in doubt",
    ):
        assert words in page
    untuned = PLAN.final.model_copy(update={"tuned": 0})
    assert "The models are not tuned on Toy &amp; ratings" in render(
        tmp_path, PLAN.model_copy(update={"final": untuned})
    )


def test_searches_are_shown_where_there_were_any(page, tmp_path):
    assert "How settings were searched" not in page and "#search" not in page
    for run in ("als", "bias"):
        (tmp_path / "search" / run).mkdir(parents=True)
        for kind in ("parallel", "history"):
            (tmp_path / "search" / run / f"{kind}.svg").write_text(f"<svg>{run} {kind}</svg>")
    shown = render(tmp_path).split('id="search"')[1].split('id="data"')[0]
    assert re.findall("<summary>(.*?)</summary>", shown) == ["als", "bias"]
    assert re.findall(r"Search of (\w+): (\w+),", shown) == [
        ("als", "history"), ("als", "parallel"), ("bias", "history"), ("bias", "parallel"),
    ]  # fmt: skip
    assert data_uri(tmp_path / "search" / "bias" / "history.svg") in shown


def test_what_the_paper_measured_on_is_told_by_the_source_not_by_a_name(tmp_path):
    apart = "compare directions and orders, not sizes"
    named = PLAN.model_copy(update={"dataset": "netflix"})
    theirs = PLAN.model_copy(update={"dataset": "mine", "source": "netflix"})
    assert apart in render(tmp_path, named) and apart not in render(tmp_path, theirs)


def test_ranking_is_shown_as_also_where_it_was_measured(page, tmp_path):
    assert "NDCG@10" not in page
    final = results(tmp_path).final.assign(ndcg_10_3m=0.0612, recall_10_3m=NAN)
    shown = render(tmp_path, PLAN.model_copy(update={"relevant": 4.0}), final=final)
    assert "Also: how good the ten best items are" in shown
    assert "<td>DeepRec</td><td>0.061 / –</td>" in shown and "(4.0 stars or more)" in shown


def data_rows(folder, datasets: pd.DataFrame) -> list[list[str]]:
    """The cells of the data section's table, its head first."""
    page = render(folder, datasets=datasets)
    table = page.split('id="data"')[1].split("</table>")[0]
    rows = [re.findall("<t[hd][^>]*>(.*?)</t[hd]>", row) for row in table.split("<tr>")[1:]]
    return [[cell.replace("<mark>", "!").replace("</mark>", "") for cell in row] for row in rows]


def test_all_six_counts_stand_beside_the_paper_s(tmp_path, config):
    """Of each split: ratings, users and items, of train and of the test interval; differences are marked."""
    expected = load_plan({**config, "dataset": "netflix"}).audit
    for split, counts in expected.items():
        parts = {"train": counts.train, "interval": counts.test, "valid": counts.test, "test": counts.test}
        found = {part: {f"n_{name}": n for name, n in numbers.model_dump().items()} for part, numbers in parts.items()}
        found["interval"]["n_users"] -= 1200
        dates = {"first_date": "2005-12-01", "last_date": "2005-12-31"}
        stars = {"min_rating": 1, "max_rating": 5}
        parts = {part: {**n, **dates, **stars} for part, n in found.items()}
        write_json(tmp_path / f"{split}.json", {"split": split, **parts})
    table = datasets_table("netflix", [tmp_path / f"{split}.json" for split in expected], expected)
    write_csv(table, tmp_path / "datasets.csv")
    head, *rows = data_rows(tmp_path, pd.read_csv(tmp_path / "datasets.csv"))
    assert head[2:8] == ["Ratings", "Paper", "Users", "Paper", "Items", "Paper"]
    shown = {tuple(row[:2]): row[2:8] for row in rows}
    assert len(shown) == 16 and str(rows).count("!") == 4
    assert shown["3m", "train"] == ["13,675,402"] * 2 + ["311,315"] * 2 + ["17,736"] * 2
    assert shown["full", "interval"] == ["2,250,481"] * 2 + ["172,282", "173,482 !-1200", "17,305", "17,305"]
    assert shown["1y", "valid"][1::2] == ["–"] * 3  # nothing is published of a half


def test_nothing_stands_beside_where_nothing_is_published(tmp_path):
    head, row = data_rows(tmp_path, pd.DataFrame([PART]))
    assert head[2:5] == ["Ratings", "Users", "Items"] and row[2:5] == ["69,575", "943", "1,574"]


def test_the_data_section_says_what_was_left_out_and_what_ties_decided(tmp_path):
    counts = {"n_unseen": 1042, "n_unseen_users": 7, "n_unseen_items": 35, "n_tied": 2345}
    counts |= {"n_zero": 12, "n_rare": 31_942, "n_rare_users": 12_221, "n_rare_items": 8_090}
    rows = [PART, {**PART, "part": "interval", **counts}, {**PART, "part": "interval", "split": "6m", "n_unseen": 0}]
    words = " ".join(html.unescape(render(tmp_path, datasets=pd.DataFrame(rows))).split())
    assert "left out of it: 3m 1,042 ratings (7 such users, 35 items), 6m 0 ratings" in words
    assert "the split's seed parts them: 3m 2,345 ratings." in words
    assert "12 ratings of 0, – repeated ones and 31,942 of users and items with too few (12,221 users, 8,090" in words


def test_page_is_escaped(page):
    assert "Deeper &lt;b&gt;helps" in page and "<b>helps" not in page


def test_page_needs_nothing_from_outside(page):
    places = re.findall(r"(?:src|href)=[\"']([^\"']*)", page)
    assert places and all(place.startswith(("data:", "#")) for place in places)
    assert set(re.findall(r"url\((.)", page)) <= {"#"} and "@import" not in page


def test_every_inner_link_leads_somewhere(page):
    targets = set(re.findall(r'id="([^"]+)"', page))
    assert {link for link in re.findall(r'href="#([^"]+)"', page)} <= targets


def test_agreement_with_the_published_run_is_told(tmp_path, monkeypatch):
    assert "No run on Toy &amp; ratings was published" in render(tmp_path)
    monkeypatch.setattr("deeprec.runtime.published.FOLDER", tmp_path)
    mine, other = ({"claim": claim, "verdict": "held", "commit": "c0ffee"} for claim in ("depth_more", "wider"))
    for verdict, told in (("not held", "1 of 1 verdicts are"), ("held", "0 of 1 verdicts are")):
        write_csv(pd.DataFrame([mine | {"verdict": verdict}, other]), tmp_path / "toy" / "claims.csv")
        page = render(tmp_path)
        assert told in page and "<code>c0ffee</code>" in page
        assert ("helps&lt;/b&gt;: not held here, held there." in page) == (verdict == "held")
    model, rmse = results(tmp_path).final.iloc[0][["model", "rmse_3m"]]
    score = {"model": model, "split": "3m", "rmse": rmse + 1, "sd": 0.0, "commit": "c0ffee"}
    write_csv(pd.DataFrame([score]), tmp_path / "toy" / "final.csv")
    assert (
        f"0 of 1 test RMSE of the final table are within what seeds and processors change of its: {model} on 3m has"
        in (render(tmp_path))
    )


def test_the_authors_program_is_shown_where_it_was_trained_beside_these_runs(tmp_path):
    assert "authors' own program" not in render(tmp_path)
    scores = {
        f"{side}_{part}_rmse_{of}": 1.28
        for side in ("theirs", "ours")
        for part in ("valid", "test")
        for of in ("mean", "sd")
    }
    row = {"experiment": "depth", "label": "2", "run": "depth_2", **scores, "theirs_valid_rmse_mean": 1.2777}
    row |= {"difference": 0.0023, "low": -0.1, "high": 0.1, "within": True}
    write_csv(pd.DataFrame([{"experiment": "depth", "agrees": True}] * 3), tmp_path / "original" / "pairs.csv")
    write_csv(pd.DataFrame([row]), tmp_path / "original" / "comparison.csv")
    page = render(tmp_path)
    assert "orders 3 of 3 pairs of runs as ours does. Of 1 runs, 1 differ by no more than seeds make." in page
    assert "1.2777 ± 1.2800" in page and "<td>+0.0023</td>" in page
    write_csv(pd.DataFrame([row | {"ours_valid_rmse_mean": 1.29}]), tmp_path / "original" / "comparison.csv")
    assert "orders 3 of 3" not in render(tmp_path)  # ours were trained again since


def test_a_claim_says_what_came_out_on_other_data_sets(tmp_path):
    claim = results(tmp_path).claims.iloc[0]
    rows = [{**claim, "dataset": name, "effect": effect} for name, effect in ((PLAN.dataset, -0.1), ("other", -0.2))]
    write_csv(pd.DataFrame(rows), tmp_path / "across.csv")
    told = "Across 2 data sets: "
    assert told in render(tmp_path) and "; the same sign on all." in render(tmp_path)
    write_csv(pd.DataFrame(rows[1:]), tmp_path / "across.csv")
    assert told not in render(tmp_path)  # these are not among them


def test_an_image_in_the_page_has_words_and_no_size(tmp_path):
    path = tmp_path / "x.svg"
    path.write_text(
        '<?xml version="1.0"?>\n<!DOCTYPE svg>\n<svg width="9pt" height="3pt" viewBox="0 0 9 3"><g/></svg>\n'
    )
    image = inline_svg(path, "A & B")
    assert image.startswith("<svg ") and 'viewBox="0 0 9 3" role="img" aria-label="A &amp; B"><g/></svg>' in image
    assert "pt" not in image and "DOCTYPE" not in image


def test_durations_are_summed_by_stage(tmp_path):
    (tmp_path / "train_run").mkdir()
    for name, seconds in (("a", 2.0), ("b", 3.0)):
        (tmp_path / "train_run" / f"{name}.tsv").write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:02\t{100 * seconds}\n")
    (tmp_path / "split_ratings.tsv").write_text("s\th:m:s\tmax_rss\n1.0\t0:00:01\t-\n")
    results = pd.DataFrame({"peak_memory_mb": [700.0, 900.0]})
    train, split = stage_durations(tmp_path, results)
    assert train == {"stage": "train_run", "jobs": 2, "seconds": 5.0, "memory": 900.0}  # the trainings' own
    assert split["stage"] == "split_ratings" and pd.isna(split["memory"])
    assert stage_durations(tmp_path / "none", results) == []


def test_data_uri_is_the_file(tmp_path):
    (tmp_path / "x.svg").write_text("<svg/>")
    assert data_uri(tmp_path / "x.svg") == "data:image/svg+xml;base64,PHN2Zy8+"
