# runs/{run}/seed_{n}/settings.yaml -> checkpoint, history, metrics, predictions

RUN_FILES = [
    "checkpoint.pt",
    "history.parquet",
    "steps.parquet",
    "valid_predictions.parquet",
    "predictions.parquet",
    "metrics.json",
]


# A rule for each batch of seeds, and no wildcard for it: the outputs of a job that trains several seeds are those of all
# of them, and a pattern cannot say which seeds make a batch.
for seeds in SEED_BATCHES:

    rule:
        name:
            f"train_run_{seeds[0]}"
        input:
            code=lambda wildcards: modules_of(
                "scripts/train_run.py",
                plus=PLAN.learner(wildcards.run),
                but="deeprec.tracking",
            ),
            settings=expand(
                "results/{dataset}/runs/{run}/seed_{seed}/settings.yaml",
                seed=seeds,
                allow_missing=True,
            ),
            split=lambda wildcards: expand(
                "results/{dataset}/splits/{split}/{part}.parquet",
                dataset=wildcards.dataset,
                split=PLAN.run(wildcards.run).split,
                part=["train", "valid", "test", "users", "items"],
            ),
            audit=AUDIT,
            members=member_files(PLAN, seeds, RUN_FILES),
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
        # Of a cluster's jobs; a blend is made of trainings that others are made of, too.
        group:
            lambda wildcards: "blend" if wildcards.run in PLAN.blends else "train"
        conda:
            "../../envs/train.yaml"
        threads: lambda wildcards: PLAN.config.threads * PLAN.processes(wildcards.run)
        resources:
            # Snakemake gives a job no more threads than there are cores, and each process wants its own.
            processes=lambda wildcards, threads: PLAN.processes(wildcards.run, threads),
            mem_mb=lambda wildcards, input, threads, attempt: attempt
            * PLAN.processes(wildcards.run, threads)
            * PLAN.training_mb(wildcards.run, size_mb(input.split)),
            runtime=lambda wildcards, input, attempt, n=len(seeds): attempt
            * n
            * PLAN.training_minutes(wildcards.run, size_mb(input.split)),
            gpu=lambda wildcards, threads: (
                PLAN.processes(wildcards.run, threads)
                if wants_gpu(PLAN.config.device)
                else 0
            ),
            gpu_model=GPU_MODEL,
            # Not among the parameters: another mirror, or saving more often, retrains nothing.
            save_seconds=str(PLAN.config.save_seconds),
            uri=PLAN.config.tracking_uri,
        params:
            split=lambda wildcards, input: os.path.dirname(input.split[0]),
            states="results/{dataset}/states",
            device=PLAN.config.device,
        shell:
            "OMP_NUM_THREADS={threads} python {input.code[0]:q} {input.settings:q} --split {params.split:q} "
            "--device {params.device:q} --threads {threads} --processes {resources.processes} --states {params.states:q} "
            "--save-seconds {resources.save_seconds} --tracking-uri {resources.uri:q} --log {log:q}"


rule track_results:
    """Complete the mirror in MLflow: ablations, figures and notes of all runs, the final table's models."""
    input:
        code=modules_of("scripts/track_results.py"),
        plan="results/{dataset}/plan/tracking.yaml",
        metrics=expand(
            "results/{dataset}/runs/{run}/seed_{seed}/metrics.json",
            run=PLAN.runs,
            seed=PLAN.config.seeds,
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
        mem_mb=more_each_try(2000),
    params:
        uri=PLAN.config.tracking_uri,
    shell:
        "python {input.code[0]:q} {input.metrics:q} --plan {input.plan:q} --tracking-uri {params.uri:q} "
        "--out {output:q} --log {log:q}"


CLOSE_DEAD_RUNS = from_here("scripts/close_dead_runs.py")


onstart:
    # Snakemake (9.27) looks at all waiting jobs once more a while after each look, for the sake of a limit to starts a
    # second, and so ever more often: in a whole reproduction that took 15 minutes of a core. A cluster keeps the limit.
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None
    write_json(BATCHES_FILE, remembered(SEED_BATCHES, EARLIER))
    for path in remove_leftovers(Path("results")):
        logger.info(f"{path}: left half-written by a killed process; removed")
    # A killed training leaves its run RUNNING in MLflow for ever.
    shell(
        "python {CLOSE_DEAD_RUNS:q} --tracking-uri {PLAN.config.tracking_uri:q} --dataset {PLAN.name}"
    )
