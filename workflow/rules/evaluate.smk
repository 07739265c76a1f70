# metrics, histories -> tables and figures


rule tabulate_results:
    """Put all runs' scores side by side, mean and deviation over seeds, and count the splits."""
    input:
        code=modules_of("scripts/tabulate_results.py"),
        metrics=expand(
            "results/{dataset}/runs/{run}/seed_{seed}/metrics.json",
            run=PLAN.runs,
            seed=config["seeds"],
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
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        paper=json.dumps(PLAN.paper),
        published=json.dumps(PLAN.audit),
        final=json.dumps(PLAN.final),
        out=subpath(output[0], parent=True),
    shell:
        "python {input.code[0]} --metrics {input.metrics} --stats {input.stats} --paper {params.paper:q} "
        "--published {params.published:q} --final {params.final:q} --dataset {wildcards.dataset} --out {params.out} --log {log}"


rule judge_claims:
    """Say of each of the paper's claims whether it held here."""
    input:
        code=modules_of("scripts/judge_claims.py"),
        trainings="results/{dataset}/tables/trainings.csv",
    output:
        report(
            "results/{dataset}/tables/claims.csv",
            caption="../report/claims.rst",
            category="Tables",
        ),
    log:
        "results/{dataset}/logs/judge_claims.log",
    benchmark:
        "results/{dataset}/benchmarks/judge_claims.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=500,
    params:
        groups=json.dumps(PLAN.groups),
    shell:
        "python {input.code[0]} --trainings {input.trainings} --groups {params.groups:q} "
        "--out {output} --log {log}"


rule draw_ablation:
    """Draw the figure of one ablation."""
    input:
        code=modules_of("scripts/draw_ablation.py"),
        runs=lambda wildcards: expand(
            "results/{dataset}/runs/{run}/seed_{seed}/{file}",
            dataset=wildcards.dataset,
            run=PLAN.ablations[wildcards.ablation]["runs"].values(),
            seed=config["seeds"],
            file=["history.parquet", "steps.parquet", "metrics.json"],
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
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        ablation=lambda wildcards: json.dumps(PLAN.ablations[wildcards.ablation]),
        runs="results/{dataset}/runs",
        seeds=config["seeds"],
        title=PLAN.dataset["title"],
    shell:
        "python {input.code[0]} --ablation {params.ablation:q} --runs {params.runs} --seeds {params.seeds} "
        "--title {params.title:q} --out {output} --log {log}"


rule draw_final:
    """Draw the final table."""
    input:
        code=modules_of("scripts/draw_final.py"),
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
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        splits=PLAN.final["splits"],
        seeds=config["seeds"],
        title=PLAN.dataset["title"],
    shell:
        "python {input.code[0]} --table {input.table} --splits {params.splits} --seeds {params.seeds} "
        "--title {params.title:q} --out {output} --log {log}"
