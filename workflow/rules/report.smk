# tables, figures -> report.html


rule write_report:
    """Write the page that shows everything, readable offline."""
    input:
        code=modules_of("scripts/write_report.py"),
        template=f"{HERE}/workflow/report/report.html.j2",
        tables=expand(
            "results/{dataset}/tables/{table}.csv",
            table=["results", "trainings", "datasets", "claims"],
            allow_missing=True,
        ),
        figures=expand("results/{dataset}/figures/{ablation}.svg", ablation=PLAN.ablations, allow_missing=True),
    output:
        "results/{dataset}/report.html",
    params:
        plan=json.dumps(PLAN.summary),
        tables="results/{dataset}/tables",
        figures="results/{dataset}/figures",
        benchmarks="results/{dataset}/benchmarks",
    log:
        "results/{dataset}/logs/write_report.log",
    benchmark:
        "results/{dataset}/benchmarks/write_report.tsv"
    threads: 1
    resources:
        mem_mb=1000,
    conda:
        "../../envs/report.yaml"
    shell:
        "python {input.code[0]} --plan {params.plan:q} --tables {params.tables} --figures {params.figures} "
        "--benchmarks {params.benchmarks} --out {output} --log {log}"
