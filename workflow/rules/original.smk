# The authors' own program on our split, beside ours; asked for by name: snakemake --cores all original

HASHES = from_here("workflow/original.sha256")
ORIGINAL_FILES = [
    f"results/original/{name}"
    for name in read_hashes(Path(ROOT, "workflow/original.sha256"))
]


rule get_original:
    """Get the authors' files at one commit, hashes verified."""
    input:
        code=modules_of("scripts/get_original.py"),
        plan=f"results/{PLAN.name}/plan/original.yaml",
        hashes=HASHES,
    output:
        ORIGINAL_FILES,
    log:
        "results/original/get_original.log",
    benchmark:
        "results/original/get_original.tsv"
    conda:
        "../../envs/original.yaml"
    threads: 1
    resources:
        mem_mb=more_each_try(500),
    params:
        out=subpath(output[0], parent=True),
    shell:
        "python {input.code[0]:q} --plan {input.plan:q} --hashes {input.hashes:q} --out {params.out:q} --log {log:q}"


rule write_text_format:
    """Write a split in the authors' text format."""
    input:
        code=modules_of("scripts/write_text_format.py"),
        split=expand(
            "results/{dataset}/splits/{split}/{part}.parquet",
            part=["train", "valid", "test"],
            allow_missing=True,
        ),
    output:
        expand(
            "results/{dataset}/original/data/{split}/{part}/ratings.txt",
            part=["train", "valid", "test"],
            allow_missing=True,
        ),
    log:
        "results/{dataset}/logs/write_text_format/{split}.log",
    benchmark:
        "results/{dataset}/benchmarks/write_text_format/{split}.tsv"
    conda:
        "../../envs/original.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, input: 500 + round(10 * input.size_mb),
    params:
        split=lambda wildcards, input: os.path.dirname(input.split[0]),
        out="results/{dataset}/original/data/{split}",
    shell:
        "python {input.code[0]:q} --split {params.split:q} --out {params.out:q} --log {log:q}"


# Of a run's split.
TEXT_FORMAT = lambda wildcards: expand(
    rules.write_text_format.output,
    dataset=wildcards.dataset,
    split=PLAN.run(wildcards.run).split,
)


rule check_original:
    """Check that both programs have the same losses from the same weights, over the same batches."""
    input:
        code=modules_of("scripts/check_original.py", plus="deeprec.models.autoencoder"),
        original=ORIGINAL_FILES,
        settings="results/{dataset}/runs/{run}/"
        f"seed_{PLAN.config.seeds[0]}/settings.yaml",
        data=TEXT_FORMAT,
        split=lambda wildcards: expand(
            "results/{dataset}/splits/{split}/{part}.parquet",
            dataset=wildcards.dataset,
            split=PLAN.run(wildcards.run).split,
            part=["train", "valid", "users", "items"],
        ),
    output:
        "results/{dataset}/original/same_steps/{run}.csv",
    log:
        "results/{dataset}/logs/check_original/{run}.log",
    benchmark:
        "results/{dataset}/benchmarks/check_original/{run}.tsv"
    conda:
        "../../envs/original.yaml"
    threads: PLAN.config.threads
    resources:
        mem_mb=lambda wildcards, input: 2000 + round(300 * input.size_mb),
    params:
        original=lambda wildcards, input: os.path.dirname(input.original[0]),
        data=lambda wildcards, input: os.path.dirname(os.path.dirname(input.data[0])),
        split=lambda wildcards, input: os.path.dirname(input.split[0]),
    shell:
        "OMP_NUM_THREADS={threads} python {input.code[0]:q} {input.settings:q} --split {params.split:q} "
        "--data {params.data:q} --original {params.original:q} --threads {threads} --out {output:q} --log {log:q}"


rule train_original:
    """Train one run with one seed by the authors' program, and evaluate it by theirs."""
    input:
        code=modules_of("scripts/train_original.py"),
        original=ORIGINAL_FILES,
        settings="results/{dataset}/runs/{run}/seed_{seed}/settings.yaml",
        data=TEXT_FORMAT,
        # Asked for before, but a check that is made again trains nothing again.
        same=ancient("results/{dataset}/original/same_steps/{run}.csv"),
    output:
        expand(
            "results/{dataset}/original/runs/{run}/seed_{seed}/{file}",
            file=["history.parquet", "steps.parquet", "metrics.json"],
            allow_missing=True,
        ),
    log:
        "results/{dataset}/logs/train_original/{run}_{seed}.log",
    benchmark:
        "results/{dataset}/benchmarks/train_original/{run}_{seed}.tsv"
    conda:
        "../../envs/original.yaml"
    threads: PLAN.config.threads
    resources:
        mem_mb=lambda wildcards, input: 2000 + round(300 * input.size_mb),
    params:
        original=lambda wildcards, input: os.path.dirname(input.original[0]),
        data=lambda wildcards, input: os.path.dirname(os.path.dirname(input.data[0])),
        out=subpath(output[0], parent=True),
    shell:
        "OMP_NUM_THREADS={threads} python {input.code[0]:q} {input.settings:q} --data {params.data:q} "
        "--original {params.original:q} --threads {threads} --out {params.out:q} --log {log:q}"


rule draw_original:
    """Draw the figure of one ablation with the authors' program beside ours."""
    input:
        code=modules_of("scripts/draw_ablation.py"),
        plan="results/{dataset}/plan/ablations/{ablation}.yaml",
        runs=lambda wildcards: expand(
            "results/{dataset}/{side}/{run}/seed_{seed}/{file}",
            dataset=wildcards.dataset,
            side=["runs", "original/runs"],
            run=PLAN.originals[wildcards.ablation].runs.values(),
            seed=PLAN.config.seeds,
            file=["history.parquet", "steps.parquet", "metrics.json"],
        ),
        stats=lambda wildcards: expand(
            "results/{dataset}/splits/{split}/stats.json",
            dataset=wildcards.dataset,
            split=PLAN.splits_of(wildcards.ablation),
        ),
    output:
        "results/{dataset}/original/figures/{ablation}.png",
        "results/{dataset}/original/figures/{ablation}.svg",
    log:
        "results/{dataset}/logs/draw_original/{ablation}.log",
    benchmark:
        "results/{dataset}/benchmarks/draw_original/{ablation}.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=more_each_try(1000),
    params:
        runs="results/{dataset}/runs",
        original="results/{dataset}/original/runs",
    shell:
        "python {input.code[0]:q} --plan {input.plan:q} --runs {params.runs:q} --original {params.original:q} "
        "--stats {input.stats:q} --out {output:q} --log {log:q}"


rule compare_original:
    """Put the authors' program beside ours: a table, a page, and the pairs of runs that both order alike."""
    input:
        code=modules_of("scripts/compare_original.py"),
        plan="results/{dataset}/plan/original_runs.yaml",
        runs=expand(
            "results/{dataset}/{side}/{run}/seed_{seed}/{file}",
            side=["original/runs", "runs"],
            run=PLAN.original_runs,
            seed=PLAN.config.seeds,
            file=["history.parquet", "steps.parquet", "metrics.json"],
            allow_missing=True,
        ),
        same=expand(
            "results/{dataset}/original/same_steps/{run}.csv",
            run=PLAN.original_runs,
            allow_missing=True,
        ),
    output:
        "results/{dataset}/original/comparison.csv",
        "results/{dataset}/original/pairs.csv",
        "results/{dataset}/original/original.md",
    log:
        "results/{dataset}/logs/compare_original.log",
    benchmark:
        "results/{dataset}/benchmarks/compare_original.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=more_each_try(1000),
    params:
        theirs=lambda wildcards, input: Path(input.runs[0]).parents[2],
        ours=lambda wildcards, input: Path(input.runs[-1]).parents[2],
        out=subpath(output[0], parent=True),
    shell:
        "python {input.code[0]:q} --plan {input.plan:q} --theirs {params.theirs:q} --ours {params.ours:q} "
        "--same-steps {input.same:q} --out {params.out:q} --log {log:q}"


rule original:
    """Train and evaluate the autoencoders of the paper's experiments by the authors' own program, too."""
    input:
        f"results/{PLAN.name}/original/original.md",
        expand(
            f"results/{PLAN.name}/original/figures/{{ablation}}.{{kind}}",
            ablation=PLAN.originals,
            kind=["png", "svg"],
        ),
