# make reproduce: everything, from the download to the report. make report, original, across, mirror, unlock, ui, serve,
# demo, test, test-plain, test-conda, test-cluster, lint, docs.
SHELL := /bin/bash
PYTHON ?= python3.11
PORT ?= 5000
SERVE_PORT ?= 5001
DEMO_PORT ?= 8501
JOBS ?= 2
DATASET ?= $(shell sed -n 's/^dataset: *\([^ #]*\).*/\1/p' config.yaml)
TRACKING_URI ?= $(shell sed -n 's/^tracking_uri: *\([^ #]*\).*/\1/p' config.yaml)
# ONLY=paper leaves out what is ours, and not the paper's.
CONFIG := --config dataset=$(DATASET)$(if $(ONLY), only=$(ONLY))
# PROFILE=slurm sends the jobs there (docs/cluster.md).
WHERE := $(if $(PROFILE),--profile workflow/profiles/$(PROFILE),--logger progress --cores all)
VENV := .venv
RUN := PATH="$(CURDIR)/$(VENV)/bin:$$PATH"

.PHONY: reproduce unlock mirror report original across test test-plain test-conda test-cluster lint lint-types lint-style \
  lint-workflow docs ui serve demo

# One line for all that runs, in place of Snakemake's many; a cluster's jobs are told of one by one.
SNAKEMAKE = $(RUN) PYTHONPATH=workflow/console DATASET=$(DATASET) snakemake $(WHERE) $(CONFIG)

reproduce: $(VENV)/ready $(if $(filter slurm,$(PROFILE)),$(VENV)/cluster)
	$(SNAKEMAKE)
	@echo "Done. The report: results/$(DATASET)/report.html"

# After a kill or a power loss, which leave the results locked; then the command that was killed goes on.
unlock: $(VENV)/ready
	$(RUN) snakemake --cores all $(CONFIG) --unlock

# What MLflow missed, sent from the runs' folders; what is there stays.
mirror: $(VENV)/ready
	$(RUN) snakemake --cores all $(CONFIG) --forcerun track_results -- results/$(DATASET)/tracking.json

report: $(VENV)/ready
	$(SNAKEMAKE) -- results/$(DATASET)/report.html

original: $(VENV)/ready
	$(SNAKEMAKE) -- original

across: $(VENV)/ready
	$(SNAKEMAKE) -- across

test: $(VENV)/ready lint
	$(RUN) python -m pytest -n $(JOBS) --dist loadgroup

# The numerical tests as on an older processor: torch's plain kernels, no AVX-512 and no AMX.
test-plain: $(VENV)/ready
	$(RUN) ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=AVX2 \
	  python -m pytest -n $(JOBS) --dist loadgroup tests/models tests/training/test_loop.py tests/data/test_sparse.py

# The whole workflow in conda environments, on shrunken data; needs conda on PATH.
test-conda: $(VENV)/ready
	$(RUN) python -m pytest -m conda

# The whole workflow on a SLURM and a tracking server that are started for it; needs root, slurm-wlm, munge, postgresql.
test-cluster: $(VENV)/cluster
	$(RUN) timeout -k 30 900 python -m pytest -m cluster -s tests/cluster

lint: $(VENV)/ready .venv-format/ready
	@$(MAKE) --no-print-directory --output-sync=target -j $(JOBS) lint-types lint-style lint-workflow

lint-types:
	$(VENV)/bin/mypy

lint-style:
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports

lint-workflow:
	.venv-format/bin/snakefmt --check Snakefile workflow
	$(RUN) snakemake --lint

docs: $(VENV)/ready
	$(RUN) PYTHONPATH=. python scripts/document_settings.py

ui: $(VENV)/ready
	@$(RUN) python scripts/serve_ui.py --dataset $(DATASET) --port $(PORT) --tracking-uri $(TRACKING_URI)

serve: $(VENV)/ready
	@$(RUN) python scripts/serve_model.py --port $(SERVE_PORT) $(if $(MODEL),--model $(MODEL),--dataset $(DATASET))

demo: $(VENV)/ready
	$(RUN) streamlit run scripts/demo_model.py --server.port $(DEMO_PORT) -- $(or $(MODEL),models:/$(DATASET)@champion)

# Made anew whenever the pins change. Compiled by all cores, where pip uses one; not at each import, which some
# environments keep Python from writing down. Some files are templates, which do not compile.
$(VENV)/ready: pyproject.toml constraints.txt
	command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed: '$(PYTHON)' was not found (set PYTHON=…)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --no-compile --disable-pip-version-check --constraint constraints.txt --editable '.[test,demo]'
	$(VENV)/bin/python -m compileall -q -j 0 $(VENV)/lib >/dev/null || true
	touch $@

$(VENV)/cluster: $(VENV)/ready
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[slurm,postgres]'
	touch $@

# snakefmt wants a newer `packaging` than MLflow allows.
.venv-format/ready: Makefile
	$(PYTHON) -m venv .venv-format
	.venv-format/bin/python -m pip install --quiet --disable-pip-version-check snakefmt==2.1.0
	touch $@
