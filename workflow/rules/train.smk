# config.yaml -> runs/{run}/seed_{n}/settings.yaml -> checkpoint, history, metrics, predictions

RUN_FILES = [
    "checkpoint.pt",
    "history.parquet",
    "steps.parquet",
    "predictions.parquet",
    "metrics.json",
]


rule prepare_tracking:
    """Create the MLflow store and the data set's experiment before many trainings ask for it at once."""
    input:
        code=modules_of("scripts/prepare_tracking.py"),
    output:
        "results/{dataset}/experiment.json",
    log:
        "results/{dataset}/logs/prepare_tracking.log",
    benchmark:
        "results/{dataset}/benchmarks/prepare_tracking.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        uri=config["tracking_uri"],
    shell:
        "python {input.code[0]} --tracking-uri {params.uri:q} --dataset {wildcards.dataset} --out {output} --log {log}"


for seeds in PLAN.seed_batches:

    rule:
        name:
            f"write_settings_{seeds[0]}"
        input:
            script=from_here("scripts/write_settings.py"),
        output:
            expand(
                "results/{dataset}/runs/{run}/seed_{seed}/settings.yaml",
                seed=seeds,
                allow_missing=True,
            ),
        log:
            f"results/{{dataset}}/logs/write_settings/{{run}}_{seeds[0]}.log",
        benchmark:
            f"results/{{dataset}}/benchmarks/write_settings/{{run}}_{seeds[0]}.tsv"
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=200,
        params:
            settings=lambda wildcards: json.dumps(PLAN.run_settings(wildcards.run)),
            seeds=seeds,
            out="results/{dataset}/runs/{run}",
        shell:
            "python {input.script} --settings {params.settings:q} --seeds {params.seeds} "
            "--out {params.out} --log {log}"

    rule:
        name:
            f"train_run_{seeds[0]}"
        input:
            code=modules_of("scripts/train_run.py", but="deeprec/tracking.py"),
            experiment="results/{dataset}/experiment.json",
            settings=expand(
                "results/{dataset}/runs/{run}/seed_{seed}/settings.yaml",
                seed=seeds,
                allow_missing=True,
            ),
            split=lambda wildcards: expand(
                "results/{dataset}/splits/{split}/{part}.parquet",
                dataset=wildcards.dataset,
                split=PLAN.runs[wildcards.run]["split"],
                part=["train", "valid", "test", "users", "items"],
            ),
            audit=AUDIT,
        output:
            expand(
                "results/{dataset}/runs/{run}/seed_{seed}/{file}",
                seed=seeds,
                file=RUN_FILES,
                allow_missing=True,
            ),
        log:
            f"results/{{dataset}}/logs/train_run/{{run}}_{seeds[0]}.log",
        benchmark:
            f"results/{{dataset}}/benchmarks/train_run/{{run}}_{seeds[0]}.tsv"
        conda:
            "../../envs/train.yaml"
        threads: lambda wildcards: config["threads"] * PLAN.processes(wildcards.run)
        resources:
            processes=lambda wildcards: PLAN.processes(wildcards.run),
            mem_mb=lambda wildcards, input: PLAN.processes(wildcards.run)
            * PLAN.training_mb(wildcards.run, input.size_mb),
            gpu=lambda wildcards: (
                PLAN.processes(wildcards.run)
                if config["device"] != "cpu" and n_gpus()
                else 0
            ),
        params:
            split=lambda wildcards, input: os.path.dirname(input.split[0]),
            states="results/{dataset}/states",
            device=config["device"],
            save_seconds=config["save_seconds"],
            uri=config["tracking_uri"],
        shell:
            "OMP_NUM_THREADS={threads} python {input.code[0]} {input.settings} --split {params.split} "
            "--device {params.device} --threads {threads} --processes {resources.processes} --states {params.states} "
            "--save-seconds {params.save_seconds} --tracking-uri {params.uri:q} --log {log}"


rule track_results:
    """Complete the mirror in MLflow: ablations, figures and notes of all runs, the best run's model."""
    input:
        code=modules_of("scripts/track_results.py"),
        metrics=expand(
            "results/{dataset}/runs/{run}/seed_{seed}/metrics.json",
            run=PLAN.runs,
            seed=config["seeds"],
            allow_missing=True,
        ),
    output:
        "results/{dataset}/tracking.json",
    log:
        "results/{dataset}/logs/track_results.log",
    benchmark:
        "results/{dataset}/benchmarks/track_results.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        uri=config["tracking_uri"],
        ablations=json.dumps(
            {name: list(runs.values()) for name, runs in PLAN.groups.items()}
        ),
    shell:
        "python {input.code[0]} {input.metrics} --ablations {params.ablations:q} --tracking-uri {params.uri:q} "
        "--out {output} --log {log}"


onstart:
    # A killed training leaves its run RUNNING in MLflow for ever.
    shell(
        "python {workflow.basedir}/scripts/close_dead_runs.py --tracking-uri {config[tracking_uri]:q} --dataset {config[dataset]}"
    )
