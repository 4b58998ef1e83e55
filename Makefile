# The two commands of the README (demo, test) set up what they need: Python >= 3.11 and make are enough.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready

.PHONY: help setup demo test lint bench ops-check cli-help fuzz torture
help:
	@echo "make demo   set up, then go the whole way: backtest, promote, trade, lose a worker (CANDLES=file for your own)"
	@echo "make test   set up, then run all tests"
	@echo "make lint   format, lint, types, layers"
	@echo "make ops-check  check deploy/, compose, workflows; rehearse an alert from a stopped database to a webhook"
	@echo "make fuzz   ask the running API everything schemathesis knows (EXAMPLES=50)"
	@echo "make bench  measure, side by side with peers"
	@echo "make torture  random faults and kills against live bots, for long"

setup: $(STAMP)

$(STAMP): pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "AutoGrid needs Python >= 3.11, this is " + sys.version.split()[0] + ": set PYTHON=python3.x")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv sync --quiet --frozen --all-extras --inexact --python $(BIN)/python
	@touch $@

demo: setup
	@$(BIN)/autogrid demo $(if $(CANDLES),--candles $(CANDLES)) $(if $(SERVE),--serve)

test: setup
	$(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report=term:skip-covered --cov-fail-under=90

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

cli-help: setup
	@$(BIN)/python -c 'import sys; from typer.testing import CliRunner; from autogrid.cli.app import app; sys.stdout.write(CliRunner().invoke(app, ["--help"], prog_name="autogrid", env={"COLUMNS": "80"}).output)' > autogrid/cli/help.txt.new
	@mv autogrid/cli/help.txt.new autogrid/cli/help.txt

fuzz: setup
	FUZZ=$(or $(EXAMPLES),50) $(BIN)/python -m pytest tests/integration/api/test_fuzz.py --timeout=14400 -s

bench: setup
	@for file in tests/bench/bench_*.py; do $(BIN)/python $$file || exit 1; done

ops-check: setup
	@cd deploy && PYTHONPATH=.. ../$(BIN)/python -m checks
	$(BIN)/python -m pytest tests/integration/ops -m "ops or not ops" -n 2 --dist loadfile

# The long fault campaign: random faults and kills through Celery; prints the totals.
torture: setup
	$(BIN)/python -m tests.e2e.campaign --schedules $(or $(SCHEDULES),300) --seed $(or $(SEED),1)
