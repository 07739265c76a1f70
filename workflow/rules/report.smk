# tables, figures -> report.html


rule write_report:
    """Write the page that shows everything, readable offline."""
    input:
        code=modules_of("scripts/write_report.py"),
        plan="results/{dataset}/plan/report.yaml",
        template=from_here("workflow/report/report.html.j2"),
        style=from_here("workflow/report/report.css"),
        published=lambda wildcards: filter(
            os.path.exists,
            [
                from_here(f"docs/published/{wildcards.dataset}/{table}.csv")
                for table in ("claims", "final")
            ],
        ),
        tables=expand(
            "results/{dataset}/tables/{table}.csv",
            table=[
                "results",
                "trainings",
                "datasets",
                "claims",
                "own_claims",
                "final",
            ],
            allow_missing=True,
        ),
        figures=expand(
            "results/{dataset}/figures/{ablation}.svg",
            ablation=PLAN.groups,
            allow_missing=True,
        ),
    output:
        report(
            "results/{dataset}/report.html",
            caption="../report/page.rst",
            category="Report",
        ),
    log:
        "results/{dataset}/logs/write_report.log",
    benchmark:
        "results/{dataset}/benchmarks/write_report.tsv"
    group:
        "report"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=more_each_try(1000),
    params:
        tables=lambda wildcards, input: os.path.dirname(input.tables[0]),
        figures=lambda wildcards, input: os.path.dirname(input.figures[0]),
        search="results/{dataset}/search",
        original="results/{dataset}/original",
        across="results/across/claims.csv",
        # Searches, the authors' program and other data sets take hours and are asked for by name, so that they are no
        # input of the report, which is made again after one.
        searched=lambda wildcards: digest(
            f"results/{wildcards.dataset}/search/tuning.md"
        ),
        compared=lambda wildcards: digest(
            f"results/{wildcards.dataset}/original/comparison.csv"
        ),
        elsewhere=digest("results/across/claims.csv"),
        benchmarks="results/{dataset}/benchmarks",
    shell:
        "python {input.code[0]:q} --plan {input.plan:q} --tables {params.tables:q} --figures {params.figures:q} "
        "--original {params.original:q} --across {params.across:q} --search {params.search:q} "
        "--benchmarks {params.benchmarks:q} --out {output:q} --log {log:q}"
