# `make` alone lists the targets. Every target does its own set-up, from a clean clone, in .venv.

# An environment that is there stays what it is until another Python is asked for.
PYTHON ?= $(or $(wildcard .venv/bin/python),python3)
VENV := .venv/bin

# Cargo's checks look at the same interpreter as the build, and need none of its libraries to link.
CARGO_ENV := PYO3_PYTHON=$(CURDIR)/$(VENV)/python PYO3_BUILD_EXTENSION_MODULE=1

# Older interpreters could not even read the script that would tell why it cannot go on.
SETUP = @$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null \
	|| { echo "error: $(PYTHON) is missing or older than 3.8; name another with PYTHON=python3.12" >&2; exit 1; }; \
	$(PYTHON) packaging/develop.py

.PHONY: help dev run test postgresql compat lint bench audit docs wheels install-matrix layer-life clean
.DEFAULT_GOAL := help

help: ## list the targets
	@echo "make TARGET [PYTHON=python3.12]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

dev: ## make .venv: the native engine in release build, and all tools
	$(SETUP) dev

run: ## run the example charm; on the pure engine where there is no Rust
	$(SETUP) run
	@$(VENV)/python examples/run.py

test: dev ## run all tests, Python's on both engines
	$(VENV)/python -m pytest -n auto
	$(CARGO_ENV) cargo test --quiet --workspace --locked

postgresql: ## install PostgreSQL, for the test of a whole model, where it is missing (Debian)
	@packaging/postgresql.sh

compat: dev ## compare with charms.reactive 1.5.3: the same charms, the same hooks
	@$(VENV)/python tests/compat/run.py

lint: dev ## check format, types, stubs and style
	cargo fmt --all --check
	$(CARGO_ENV) cargo clippy --quiet --workspace --all-targets --locked -- -D warnings
	$(VENV)/ruff check --no-cache --quiet .
	$(VENV)/ruff format --no-cache --quiet --check .
	$(VENV)/mypy
	$(VENV)/python -m mypy.stubtest charms_reactive._engine._native
	$(VENV)/shellcheck .ci/run packaging/*.sh packaging/matrix/*.sh packaging/life/*.sh wheel-data/scripts/*.sh findings/*.sh

bench: ## run the benchmarks and print the table
	$(SETUP) bench
	@$(VENV)/python benches/run.py

audit: dev ## look Cargo.lock up in the RustSec database, where that can be had [RUSTSEC_DB=DIR]
	@$(VENV)/python packaging/advisories.py

docs: ## build the manual into docs/_build/html
	$(SETUP) docs
	CHARMS_REACTIVE_ENGINE=pure $(VENV)/python -m sphinx --fail-on-warning --keep-going --nitpicky --quiet --builder html docs docs/_build/html
	@echo "open docs/_build/html/index.html"

wheels: ## build and check what is released: the wheels and the sdist, in dist/
	$(SETUP) release
	@$(VENV)/python packaging/wheels.py

install-matrix: ## install in every way on every Python at hand [QUICK=1] [RECORD=1] [SYSTEMS="ubuntu:focal debian:sid"]
	$(SETUP) dev
	@$(VENV)/python packaging/install_matrix.py $(if $(QUICK),--quick) $(if $(RECORD),--record) \
		$(if $(SYSTEMS),--systems $(SYSTEMS))

layer-life: ## whole lives of units of layer:basic, of which CHARM_LAYERS_DIR and CHARM_INTERFACES_DIR have the layers [RECORD=1]
	$(SETUP) dev
	@$(VENV)/python packaging/layer_life.py $(if $(RECORD),--record)

clean: ## delete all that was built, .venv too
	rm -rf .venv target benches/engine/target build dist docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks .cache
	rm -f python/charms_reactive/_engine/_native*.so
	find benches examples packaging python tests -name __pycache__ -type d -prune -exec rm -rf {} +
