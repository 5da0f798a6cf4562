# Every target makes the virtual environment it needs, so a fresh clone needs nothing but Python and make.
PYTHON ?= python3
VENV := .venv
BENCH_VENV := .venv-bench
PIP_FLAGS := --quiet --disable-pip-version-check -c constraints.txt
RELEASE := pyproject.toml constraints.txt
EXTRAS := atari,fast,ray,slurm,tune,wandb,tensorboard,mlflow,trackio,hf,onnx,sb3,docs,dev

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow lint format bench tables notebooks constraints dist-check docs docs-serve clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.stamp-base ## train an agent on CartPole, evaluate it and film it
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" sh examples/demo.sh

test: $(VENV)/.stamp-dev ## the tests that take seconds
	$(VENV)/bin/pytest -n auto --dist worksteal

test-slow: $(VENV)/.stamp-dev ## the tests that take minutes
	$(VENV)/bin/pytest -m slow

lint: $(VENV)/.stamp-dev ## style, format, types, and imports that only go down
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

format: $(VENV)/.stamp-dev ## put the code into the project's format
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

docs: $(VENV)/.stamp-docs ## the documentation, as a site in build/site
	rm -rf build/site
	$(VENV)/bin/python tools/lessons.py
	$(VENV)/bin/zensical build --clean --strict
	$(VENV)/bin/python tools/check_site.py

docs-serve: $(VENV)/.stamp-docs ## the documentation at localhost:8000, anew with each change
	$(VENV)/bin/python tools/lessons.py
	$(VENV)/bin/zensical serve

bench: $(BENCH_VENV)/.stamp-bench ## speed side by side with other libraries
	$(BENCH_VENV)/bin/python benchmarks/run.py

tables: ## tables of figures in docs, from docs/measurements
	$(PYTHON) benchmarks/pages.py

notebooks: $(VENV)/.stamp-dev ## execute the lessons in examples/notebooks again, in place
	$(VENV)/bin/python examples/notebooks/execute.py

constraints: ## resolve the newest versions of everything into constraints.txt
	rm -rf build/resolve
	$(PYTHON) -m venv build/resolve
	build/resolve/bin/pip install --quiet '.[$(EXTRAS),bench]'
	{ sed '/^[^#]/d' constraints.txt; build/resolve/bin/pip freeze --all | sed -E '/^(argmaxq|pip)\b/d; s/\+cpu$$//'; } > build/constraints.txt
	mv build/constraints.txt constraints.txt

dist-check: ## build sdist and wheel, and try them on each Python, with lowest and newest dependencies
	$(PYTHON) tools/dist_check.py

clean: ## remove everything made here, but not runs/
	rm -rf $(VENV) $(BENCH_VENV) build dist .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find src tests benchmarks examples -name __pycache__ -type d -exec rm -rf {} +

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(BENCH_VENV)/bin/python:
	$(PYTHON) -m venv $(BENCH_VENV)

$(VENV)/.stamp-base: $(RELEASE) | $(VENV)/bin/python
	$(VENV)/bin/pip install $(PIP_FLAGS) -e .
	@touch $@

$(VENV)/.stamp-dev: $(RELEASE) | $(VENV)/bin/python
	$(VENV)/bin/pip install $(PIP_FLAGS) -e '.[$(EXTRAS)]'
	@touch $@

$(VENV)/.stamp-docs: $(RELEASE) | $(VENV)/bin/python
	$(VENV)/bin/pip install $(PIP_FLAGS) -e '.[docs]'
	@touch $@

$(BENCH_VENV)/.stamp-bench: $(RELEASE) | $(BENCH_VENV)/bin/python
	$(BENCH_VENV)/bin/pip install $(PIP_FLAGS) -e '.[atari,fast,bench]'
	@touch $@
