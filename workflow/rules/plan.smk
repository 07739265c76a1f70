# config.yaml -> plan/{name}.yaml and runs/{run}/seed_{n}/settings.yaml: what each rule is told, a file a rule.
# A file written again with the same content reruns nothing; so an edit of config.yaml reruns what depends on it alone.


rule write_plan:
    """Write what one rule must know of the plan."""
    input:
        template=from_here("workflow/plan.yaml.j2"),
    output:
        "results/{dataset}/plan/{name}.yaml",
    log:
        "results/{dataset}/logs/write_plan/{name}.log",
    params:
        text=lambda wildcards: plan_text(PLAN, wildcards.name),
    template_engine:
        "jinja2"


rule write_settings:
    """Write everything that defines one training."""
    input:
        template=from_here("workflow/plan.yaml.j2"),
    output:
        "results/{dataset}/runs/{run}/seed_{seed}/settings.yaml",
    log:
        "results/{dataset}/logs/write_settings/{run}_{seed}.log",
    params:
        text=lambda wildcards: to_yaml(
            PLAN.run(wildcards.run).with_seed(int(wildcards.seed)).as_dict()
        ),
    template_engine:
        "jinja2"
