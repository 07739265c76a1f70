# metrics, histories -> tables and figures


rule tabulate_results:
    """Put all runs' scores side by side, mean and deviation over seeds, and count the splits."""
    input:
        code=modules_of("scripts/tabulate_results.py"),
        plan="results/{dataset}/plan/tables.yaml",
        metrics=expand(
            "results/{dataset}/runs/{run}/seed_{seed}/metrics.json",
            run=PLAN.runs,
            seed=PLAN.config.seeds,
            allow_missing=True,
        ),
        stats=expand(
            "results/{dataset}/splits/{split}/stats.json",
            split=PLAN.splits,
            allow_missing=True,
        ),
    output:
        report(
            "results/{dataset}/tables/results.csv",
            caption="../report/results.rst",
            category="Tables",
        ),
        report(
            "results/{dataset}/tables/final.csv",
            caption="../report/final.rst",
            category="Tables",
        ),
        "results/{dataset}/tables/trainings.csv",
        "results/{dataset}/tables/datasets.csv",
    log:
        "results/{dataset}/logs/tabulate_results.log",
    benchmark:
        "results/{dataset}/benchmarks/tabulate_results.tsv"
    group:
        "report"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=more_each_try(1000),
    params:
        out=subpath(output[0], parent=True),
    shell:
        "python {input.code[0]:q} --metrics {input.metrics:q} --stats {input.stats:q} --plan {input.plan:q} "
        "--out {params.out:q} --log {log:q}"


rule judge_claims:
    """Say of each of the paper's claims whether it held here."""
    input:
        code=modules_of("scripts/judge_claims.py"),
        plan="results/{dataset}/plan/claims.yaml",
        trainings="results/{dataset}/tables/trainings.csv",
        datasets="results/{dataset}/tables/datasets.csv",
    output:
        claims=report(
            "results/{dataset}/tables/claims.csv",
            caption="../report/claims.rst",
            category="Tables",
        ),
        own=report(
            "results/{dataset}/tables/own_claims.csv",
            caption="../report/own_claims.rst",
            category="Tables",
        ),
    log:
        "results/{dataset}/logs/judge_claims.log",
    benchmark:
        "results/{dataset}/benchmarks/judge_claims.tsv"
    group:
        "report"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=more_each_try(500),
    shell:
        "python {input.code[0]:q} --trainings {input.trainings:q} --datasets {input.datasets:q} --plan {input.plan:q} "
        "--out {output.claims:q} --own {output.own:q} --log {log:q}"


rule draw_ablation:
    """Draw the figure of one ablation."""
    input:
        code=modules_of("scripts/draw_ablation.py"),
        plan="results/{dataset}/plan/ablations/{ablation}.yaml",
        runs=lambda wildcards: expand(
            "results/{dataset}/runs/{run}/seed_{seed}/{file}",
            dataset=wildcards.dataset,
            run=PLAN.ablations[wildcards.ablation].runs.values(),
            seed=PLAN.config.seeds,
            file=["history.parquet", "steps.parquet", "metrics.json"],
        ),
        stats=lambda wildcards: expand(
            "results/{dataset}/splits/{split}/stats.json",
            dataset=wildcards.dataset,
            split=PLAN.splits_of(wildcards.ablation),
        ),
    output:
        report(
            "results/{dataset}/figures/{ablation}.png",
            caption="../report/ablation.rst",
            category="Figures",
            labels={"ablation": "{ablation}"},
        ),
        "results/{dataset}/figures/{ablation}.svg",
    log:
        "results/{dataset}/logs/draw_ablation/{ablation}.log",
    benchmark:
        "results/{dataset}/benchmarks/draw_ablation/{ablation}.tsv"
    wildcard_constraints:
        ablation=r"(?!final\.(png|svg)$)[^/]+",  # that one is draw_final's
    group:
        "report"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=more_each_try(1000),
    params:
        runs="results/{dataset}/runs",
    shell:
        "python {input.code[0]:q} --plan {input.plan:q} --runs {params.runs:q} --stats {input.stats:q} "
        "--out {output:q} --log {log:q}"


rule draw_final:
    """Draw the final table."""
    input:
        code=modules_of("scripts/draw_final.py"),
        plan="results/{dataset}/plan/final.yaml",
        table="results/{dataset}/tables/final.csv",
    output:
        report(
            "results/{dataset}/figures/final.png",
            caption="../report/final.rst",
            category="Figures",
            labels={"ablation": "final"},
        ),
        "results/{dataset}/figures/final.svg",
    log:
        "results/{dataset}/logs/draw_final.log",
    benchmark:
        "results/{dataset}/benchmarks/draw_final.tsv"
    group:
        "report"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=more_each_try(1000),
    shell:
        "python {input.code[0]:q} --table {input.table:q} --plan {input.plan:q} --out {output:q} --log {log:q}"
