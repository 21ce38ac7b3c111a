# Everything runs from .venv, which make builds itself; `make help` lists what can be done.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

# A bare Debian 12 refuses both `venv` and a plain `pip install`; `pip install --target` gives uv, and uv builds the environment.
# Interpreters are the system's own: uv may not download one.
export UV_PYTHON_DOWNLOADS := never
export UV_PYTHON_PREFERENCE := system
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
# Containers often forbid to keep compiled modules: each of the thousand programs that the tests start then compiles Keepwell anew.
unexport PYTHONDONTWRITEBYTECODE
UV := $(or $(shell command -v uv 2>/dev/null),.tools/bin/uv)
BIN := .venv/bin
PY := $(BIN)/python
# More workers than processors: tests wait for servers, intervals and time limits much of their time.
WORKERS := $(shell echo $$(($$(nproc) + 2)))
PYTEST = $(PY) -m pytest -n $(WORKERS) --dist loadgroup
INSTALL_SELF = $(UV) pip install --quiet --no-deps --build-constraints requirements-tools.txt --python $(PY) -e .

.PHONY: help
help: ## list the targets
	@sed -nE 's/^([a-z][a-z-]*):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

.PHONY: demo
demo: .venv/.runtime ## the main job: a service to operate and to break, its manual running, a page to look at
	@$(BIN)/keepwell demo

.PHONY: test
test: .venv/.dev lint ## everything but the slow tests: style, types, floors, then the tests; says what it leaves out and why
	@$(PYTEST)

.PHONY: test-slow
test-slow: .venv/.dev ## only the tests that take minutes
	@$(PYTEST) --slow -m slow

.PHONY: test-bare
test-bare: ## the two commands of the README inside a freshly made Debian 12 (root; minutes; needs debootstrap and the network)
	@scripts/bare-debian

.PHONY: lint
lint: .venv/.dev ## style, types, the floors of the house, sizes
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary
	@floors=$$($(BIN)/lint-imports --no-cache) || { echo "$$floors"; exit 1; }
	@$(PY) scripts/sizes.py

.PHONY: format
format: .venv/.dev ## put the code and the generated pages in order
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .
	@$(PY) scripts/generate_docs.py

.PHONY: deps
deps: ## the Debian packages whose servers the tests start (service starts are forbidden meanwhile)
	@scripts/install-servers

.PHONY: bench
bench: .venv/.dev ## tables of speed, with the wanted figure beside each (about an hour)
	@$(PY) -m bench.startup
	@$(PY) -m bench.http_client
	@$(PY) -m bench.page
	@$(PY) -m bench.checks
	@$(PY) -m bench.engine
	@$(PY) -m bench.samples_store
	@$(PY) -m bench.samples_files
	@$(PY) -m bench.samples_scrape
	@$(PY) -m bench.samples_transfer
	@$(PY) -m bench.samples
	@$(PY) -m bench.alerts
	@$(PY) -m bench.alert_history
	@$(PY) -m bench.operations
	@$(PY) -m bench.logs rotate
	@$(PY) -m bench.logs analyse

.PHONY: audiodeck
audiodeck: .venv/.dev ## a whole manual played over five weeks, and what came of each row of its catalogue (half an hour)
	@$(PY) -m lab.audiodeck.play

.PHONY: audiodeck-kills
audiodeck-kills: .venv/.dev ## the same, while Keepwell is killed a hundred times
	@$(PY) -m lab.audiodeck.play --kills 100

.PHONY: audiodeck-hour
audiodeck-hour: .venv/.dev ## an hour of real time with faults at random: missed ones, false notices, memory and processor
	@$(PY) -m lab.audiodeck.hour

.PHONY: bench-lint
bench-lint: .venv/.dev ## what lint finds of a catalogue of defects in five real manuals, beside the wanted figures
	@$(PY) -m bench.lint

.PHONY: bench-import
bench-import: .venv/.dev ## what import makes of real manuals, beside the wanted figures; fails where one does not hold
	@$(PY) -m bench.importing

.PHONY: bench-promql
bench-promql: .venv/.dev ## PromQL beside prometheus and victoria-metrics with the same samples, and a thousand rules (about six minutes)
	@$(PY) -m bench.promql
	@$(PY) -m bench.promql_rules

.PHONY: wheel
wheel: | $(UV) ## build dist/keepwell-*.whl
	@$(UV) build --quiet --wheel --build-constraints requirements-tools.txt --out-dir dist
	@ls dist/*.whl

.PHONY: lock
lock: | $(UV) ## take the newest version of everything: rewrites the requirements files (hashes, no index addresses)
	@$(UV) lock --quiet --upgrade
	@$(UV) export --quiet --no-emit-project --no-dev --extra postgresql --extra ssh --output-file requirements.txt >/dev/null
	@$(UV) export --quiet --no-emit-project --group dev --all-extras --output-file requirements-dev.txt >/dev/null
	@$(UV) export --quiet --no-emit-project --only-group tools --output-file requirements-tools.txt >/dev/null

.PHONY: clean
clean: ## remove what make built
	rm -rf .venv .tools dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests scripts bench -name __pycache__ -type d -prune -exec rm -rf {} +

# Two depths of one environment: the demonstration waits only for what Keepwell itself imports.
.venv/.runtime: requirements.txt requirements-tools.txt pyproject.toml | $(UV)
	@echo "Building .venv from requirements.txt" >&2
	@$(UV) venv --quiet --allow-existing --python '>=3.11' .venv
	@$(UV) pip install --quiet --compile-bytecode --require-hashes --python $(PY) --requirements requirements.txt
	@$(INSTALL_SELF)
	@touch $@

.venv/.dev: requirements-dev.txt requirements-tools.txt pyproject.toml | $(UV)
	@echo "Building .venv from requirements-dev.txt" >&2
	@$(UV) venv --quiet --allow-existing --python '>=3.11' .venv
	@$(UV) pip sync --quiet --compile-bytecode --require-hashes --python $(PY) requirements-dev.txt
	@$(INSTALL_SELF)
	@touch .venv/.runtime $@

.tools/bin/uv: requirements-tools.txt
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Keepwell needs Python 3.11 or newer; python3 is " + sys.version.split()[0])'
	@python3 -m pip --version >/dev/null 2>&1 || { echo "pip is missing: apt-get install python3-pip, or put uv on PATH" >&2; exit 1; }
	@echo "Installing uv into .tools" >&2
	@rm -rf .tools
	@python3 -m pip install --quiet --require-hashes --only-binary :all: --target .tools --requirement requirements-tools.txt
	@touch $@
