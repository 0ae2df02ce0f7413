# Everything a newcomer needs: `make demo` and `make test`. Only Python 3.11-3.13, pip and make are needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
unexport PYTHONDONTWRITEBYTECODE PIP_REQUIRE_VIRTUALENV
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: setup demo test test-slow lint dagster bench clean

setup: $(VENV)/.ready ## a virtual environment with exactly what requirements.lock says

$(VENV)/.ready: requirements.lock pyproject.toml requirements-uv.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else f"crm-warehouse needs Python 3.11 to 3.13, this is {v[0]}.{v[1]}: run make PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@# uv is twenty times faster, but does not read pip's configuration (mirrors, certificates): then pip does it.
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode -r requirements.lock \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## a pretend company through the whole pipeline, into data/demo
	@$(BIN)/crm-warehouse demo

test: setup lint ## what CI runs
	$(BIN)/python -m pytest -m "not slow" -n auto --dist loadfile --no-loadscope-reorder

test-slow: setup ## the long proofs and the measured figures
	$(BIN)/python -m pytest -m slow

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

dagster: setup ## the Dagster UI on http://127.0.0.1:3000, over the home that CRM_WAREHOUSE_HOME names
	@$(BIN)/crm-warehouse dagster

bench: setup ## the figures of the README, against the floor programs
	$(BIN)/python -m benchmarks

clean: ## remove the virtual environment and the demo's data
	rm -rf $(VENV) data/demo
