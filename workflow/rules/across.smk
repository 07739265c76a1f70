# results/{dataset}/tables of several data sets -> results/across; asked for by name: snakemake --cores all across

TABLES = "results/{name}/tables/{table}.csv"
# All that have results beside those that the config names.
OTHERS = [
    path.parts[1]
    for path in sorted(Path().glob("results/*/tables/claims.csv"))
    if path.parts[1] not in PLAN.config.across
]


for name in PLAN.config.across if workflow.is_main_process else ():
    # A mark says that a data set was made; not any more where a table is gone, or was made again since.
    tables = map(Path, expand(TABLES, name=name, table=["claims", "trainings"]))
    mark = Path("results/across/made", name)
    if mark.exists() and any(
        not table.exists() or table.stat().st_mtime > mark.stat().st_mtime
        for table in tables
    ):
        mark.unlink()


rule write_config:
    """Write the config as it is for this call, for the workflows of the other data sets."""
    input:
        template=from_here("workflow/plan.yaml.j2"),
    output:
        "results/across/config.yaml",
    log:
        "results/across/logs/write_config.log",
    params:
        # A function, since a title may hold what Snakemake would take for a wildcard.
        text=lambda wildcards: to_yaml(
            {key: config[key] for key in sorted(config) if key != "dataset"}
        ),
    template_engine:
        "jinja2"


rule make_dataset:
    """Make a data set's results, by a workflow of its own with the same config; what is there already is kept."""
    input:
        config="results/across/config.yaml",
    output:
        touch("results/across/made/{other}"),
    log:
        "results/across/logs/make_dataset/{other}.log",
    benchmark:
        "results/across/benchmarks/make_dataset/{other}.tsv"
    wildcard_constraints:
        other="[^/]+",
    conda:
        "../../envs/workflow.yaml"
    threads: workflow.cores
    params:
        snakefile=f"{ROOT}/Snakefile",
        conda=(
            "--use-conda"
            if "conda" in str(workflow.deployment_settings.deployment_method).lower()
            else ""
        ),
    shell:
        # This workflow holds the folder's lock, and waits.
        "snakemake --nolock --snakefile {params.snakefile:q} --cores {threads} {params.conda} "
        "--configfile {input.config:q} --config dataset={wildcards.other:q} >{log:q} 2>&1 "
        "|| {{ tail -n 20 {log:q} >&2; exit 1; }}"


localrules:
    write_config,
    make_dataset,


rule compare_datasets:
    """Put the verdicts of all data sets side by side."""
    input:
        code=modules_of("scripts/compare_datasets.py"),
        config="results/across/config.yaml",
        made=expand("results/across/made/{other}", other=PLAN.config.across),
        others=expand(TABLES, name=OTHERS, table=["claims", "trainings"]),
    output:
        "results/across/claims.csv",
        "results/across/claims.png",
        "results/across/claims.svg",
        "results/across/across.md",
    log:
        "results/across/logs/compare_datasets.log",
    benchmark:
        "results/across/benchmarks/compare_datasets.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=more_each_try(1000),
    params:
        datasets=[*PLAN.config.across, *OTHERS],
        out=subpath(output[0], parent=True),
    shell:
        "python {input.code[0]:q} {params.datasets:q} --config {input.config:q} --results results --out {params.out:q} "
        "--log {log:q}"


rule across:
    """Set the verdicts of several data sets side by side, and make those that `across` of the config names."""
    input:
        rules.compare_datasets.output,
        rules.compare_datasets.input.made,
