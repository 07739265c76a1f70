# config.yaml's search -> search/{run}.csv -> search/tuning.md; asked for by name: snakemake --cores all search


rule search_settings:
    """Try settings of one model at random; validation scores them, test is not even an input."""
    input:
        code=modules_of("scripts/search_settings.py"),
        split=lambda wildcards: expand(
            "results/{dataset}/splits/{split}/{part}.parquet",
            dataset=wildcards.dataset,
            split=PLAN.run_settings(wildcards.run)["split"],
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
    threads: config["threads"]
    resources:
        mem_mb=lambda wildcards, input: PLAN.training_mb(wildcards.run, input.size_mb),
        gpu=1 if config["device"] != "cpu" and n_gpus() else 0,
    params:
        settings=lambda wildcards: json.dumps(PLAN.run_settings(wildcards.run)),
        space=lambda wildcards: json.dumps(config["search"]["spaces"][wildcards.run]),
        trials=config["search"]["trials"],
        seed=config["search"]["seed"],
        split=lambda wildcards, input: os.path.dirname(input.split[0]),
        device=config["device"],
    shell:
        "OMP_NUM_THREADS={threads} python {input.code[0]} --settings {params.settings:q} --space {params.space:q} "
        "--trials {params.trials} --seed {params.seed} --split {params.split} --device {params.device} "
        "--threads {threads} --out {output} --log {log}"


rule write_tuning:
    """Write what the searches found as a page."""
    input:
        code=modules_of("scripts/write_tuning.py"),
        search=expand(
            "results/{dataset}/search/{run}.csv",
            run=config["search"]["spaces"],
            allow_missing=True,
        ),
        stats=f"results/{{dataset}}/splits/{PLAN.dataset['main_split']}/stats.json",
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
        mem_mb=500,
    params:
        plan=json.dumps(PLAN.summary),
    shell:
        "python {input.code[0]} --search {input.search} --plan {params.plan:q} --stats {input.stats} "
        "--out {output} --log {log}"


rule search:
    """Search every model's settings, which changes none of them."""
    input:
        f"results/{config['dataset']}/search/tuning.md",
