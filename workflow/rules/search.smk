# plan/search/{run}.yaml -> search/{run}.csv -> figures, search/tuning.md; asked for by name: snakemake --cores all search

SEARCH_FIGURES = expand(
    "results/{{dataset}}/search/{{run}}/{plot}.{suffix}",
    plot=["history", "importances", "parallel"],
    suffix=["png", "svg"],
)


rule search_settings:
    """Search one run's settings by Optuna; validation scores them, test is not even an input."""
    input:
        code=lambda wildcards: modules_of(
            "scripts/search_settings.py", plus=PLAN.learner(wildcards.run)
        ),
        plan="results/{dataset}/plan/search/{run}.yaml",
        split=lambda wildcards: expand(
            "results/{dataset}/splits/{split}/{part}.parquet",
            dataset=wildcards.dataset,
            split=PLAN.run(wildcards.run).split,
            part=["train", "valid", "users", "items"],
        ),
    output:
        "results/{dataset}/search/{run}.csv",
    log:
        "results/{dataset}/logs/search_settings/{run}.log",
    benchmark:
        "results/{dataset}/benchmarks/search_settings/{run}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: PLAN.config.threads
    resources:
        mem_mb=lambda wildcards, input, attempt: attempt
        * PLAN.training_mb(wildcards.run, size_mb(input.split)),
        # Every trial as a whole training: its settings are not known before.
        runtime=lambda wildcards, input, attempt: attempt
        * PLAN.config.search.trials
        * PLAN.training_minutes(wildcards.run, size_mb(input.split)),
        gpu=1 if wants_gpu(PLAN.config.device) else 0,
        gpu_model=GPU_MODEL,
    params:
        split=lambda wildcards, input: os.path.dirname(input.split[0]),
        # No output: Snakemake would delete the trials of a killed job, which the next one goes on from.
        journal="results/{dataset}/search/{run}.journal",
        device=PLAN.config.device,
    shell:
        "OMP_NUM_THREADS={threads} python {input.code[0]:q} --plan {input.plan:q} --split {params.split:q} "
        "--journal {params.journal:q} --device {params.device:q} --threads {threads} --out {output:q} --log {log:q}"


rule draw_search:
    """Draw one run's search by Optuna's own plots."""
    input:
        code=modules_of("scripts/draw_search.py"),
        plan="results/{dataset}/plan/search/{run}.yaml",
        trials="results/{dataset}/search/{run}.csv",
    output:
        SEARCH_FIGURES,
    log:
        "results/{dataset}/logs/draw_search/{run}.log",
    benchmark:
        "results/{dataset}/benchmarks/draw_search/{run}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=more_each_try(1000),
    params:
        out=lambda wildcards, output: os.path.dirname(output[0]),
    shell:
        "python {input.code[0]:q} --trials {input.trials:q} --plan {input.plan:q} --out {params.out:q} --log {log:q}"


rule write_tuning:
    """Write what the searches found as a page."""
    input:
        code=modules_of("scripts/write_tuning.py"),
        plan="results/{dataset}/plan/tuning.yaml",
        search=expand(
            "results/{dataset}/search/{run}.csv",
            run=PLAN.config.search.runs,
            allow_missing=True,
        ),
        stats=f"results/{{dataset}}/splits/{PLAN.dataset.main_split}/stats.json",
    output:
        "results/{dataset}/search/tuning.md",
    log:
        "results/{dataset}/logs/write_tuning.log",
    benchmark:
        "results/{dataset}/benchmarks/write_tuning.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=more_each_try(500),
    shell:
        "python {input.code[0]:q} --search {input.search:q} --plan {input.plan:q} --stats {input.stats:q} "
        "--out {output:q} --log {log:q}"


rule track_searches:
    """Mirror the searches in MLflow, beside the data set's runs."""
    input:
        code=modules_of("scripts/track_searches.py"),
        plans=expand(
            "results/{dataset}/plan/search/{run}.yaml",
            run=PLAN.config.search.runs,
            allow_missing=True,
        ),
        search=expand(
            "results/{dataset}/search/{run}.csv",
            run=PLAN.config.search.runs,
            allow_missing=True,
        ),
        figures=expand(SEARCH_FIGURES, run=PLAN.config.search.runs, allow_missing=True),
    output:
        "results/{dataset}/search/tracking.json",
    log:
        "results/{dataset}/logs/track_searches.log",
    benchmark:
        "results/{dataset}/benchmarks/track_searches.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=more_each_try(1000),
    params:
        plans=lambda wildcards, input: os.path.dirname(input.plans[0]),
        uri=PLAN.config.tracking_uri,
    shell:
        "python {input.code[0]:q} --search {input.search:q} --plans {params.plans:q} --dataset {wildcards.dataset:q} "
        "--tracking-uri {params.uri:q} --out {output:q} --log {log:q}"


rule search:
    """Search every model's settings, which changes none of them."""
    input:
        f"results/{PLAN.name}/search/tuning.md",
        f"results/{PLAN.name}/search/tracking.json",
