# Raw ratings -> ratings.parquet -> splits/{split}/{train,valid,test}.parquet


# The table that says the splits are the published ones, for data sets whose counts are published.
AUDIT = ["results/{dataset}/tables/audit.csv"] if PLAN.audit else []
# The users' names, where the source knows them.
NAMES = ["results/{dataset}/users.parquet"] if PLAN.dataset.named_users else []
SPLIT_FILES = [
    "train.parquet",
    "valid.parquet",
    "test.parquet",
    "users.parquet",
    "items.parquet",
    "stats.json",
]


if PLAN.dataset.source == "simulated":

    rule simulate_ratings:
        """Make up ratings, in Netflix's raw layout."""
        input:
            code=modules_of("scripts/simulate_ratings.py"),
            source="results/{dataset}/plan/source.yaml",
        output:
            archive="results/{dataset}/raw/simulated.tar.gz",
            truth="results/{dataset}/raw/simulation.json",
            manifest="results/{dataset}/raw/manifest.json",
        log:
            "results/{dataset}/logs/simulate_ratings.log",
        benchmark:
            "results/{dataset}/benchmarks/simulate_ratings.tsv"
        conda:
            "../../envs/data.yaml"
        threads: 2
        resources:
            mem_mb=more_each_try(500),
        shell:
            "python {input.code[0]:q} --source {input.source:q} --archive {output.archive:q} "
            "--truth {output.truth:q} --manifest {output.manifest:q} --log {log:q}"

else:

    rule download_ratings:
        """Bring the raw file to this machine, checksum verified."""
        input:
            code=modules_of("scripts/download_ratings.py", plus=PLAN.dataset.reader),
            source="results/{dataset}/plan/source.yaml",
        output:
            "results/{dataset}/raw/manifest.json",
        log:
            "results/{dataset}/logs/download_ratings.log",
        benchmark:
            "results/{dataset}/benchmarks/download_ratings.tsv"
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=more_each_try(500),
        shell:
            "python {input.code[0]:q} --source {input.source:q} --manifest {output:q} --log {log:q}"


rule parse_ratings:
    """Turn the raw file into one table of ratings, and one of items."""
    input:
        code=modules_of("scripts/parse_ratings.py", plus=PLAN.dataset.reader),
        source="results/{dataset}/plan/source.yaml",
        manifest="results/{dataset}/raw/manifest.json",
    output:
        ratings="results/{dataset}/ratings.parquet",
        titles="results/{dataset}/items.parquet",
        names=NAMES,
    log:
        "results/{dataset}/logs/parse_ratings.log",
    benchmark:
        "results/{dataset}/benchmarks/parse_ratings.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 2
    resources:
        mem_mb=more_each_try(6000),
    params:
        users="--users" if NAMES else "",
    shell:
        "python {input.code[0]:q} --source {input.source:q} --manifest {input.manifest:q} "
        "--ratings {output.ratings:q} --items {output.titles:q} {params.users} {output.names:q} --log {log:q}"


rule split_ratings:
    """Split the ratings by time into train, valid and test, with dense indices."""
    input:
        code=modules_of("scripts/split_ratings.py"),
        split="results/{dataset}/plan/splits/{split}.yaml",
        ratings="results/{dataset}/ratings.parquet",
    output:
        expand(
            "results/{dataset}/splits/{split}/{file}",
            file=SPLIT_FILES,
            allow_missing=True,
        ),
    log:
        "results/{dataset}/logs/split_ratings/{split}.log",
    benchmark:
        "results/{dataset}/benchmarks/split_ratings/{split}.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=more_each_try(1000),
    params:
        out=subpath(output[0], parent=True),
    shell:
        "python {input.code[0]:q} --ratings {input.ratings:q} --split {input.split:q} --out {params.out:q} --log {log:q}"


rule audit_splits:
    """Compare the splits' counts with the published ones, before anything is trained on them."""
    input:
        code=modules_of("scripts/audit_splits.py"),
        plan="results/{dataset}/plan/audit.yaml",
        stats=expand(
            "results/{dataset}/splits/{split}/stats.json",
            split=PLAN.audit,
            allow_missing=True,
        ),
    output:
        "results/{dataset}/tables/audit.csv",
    log:
        "results/{dataset}/logs/audit_splits.log",
    benchmark:
        "results/{dataset}/benchmarks/audit_splits.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=more_each_try(500),
    shell:
        "python {input.code[0]:q} --stats {input.stats:q} --plan {input.plan:q} --out {output:q} --log {log:q}"
