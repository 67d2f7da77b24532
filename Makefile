# Needs Python 3.11+ and make; everything else goes into .venv on first use. Another interpreter: make test PYTHON=python3.13

PYTHON ?= python3
JOBS ?= 2

VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PIP := $(BIN)/python -m pip --disable-pip-version-check
READY := $(VENV)/.ready
LOCKED := $(VENV)/.locked
UV := uv==0.13.9

# Each board's stubs are a typeshed of their own, and checked code must not see the packages of .venv.
FIRMWARE_MYPY = MYPYPATH=build/stubs/$(1) $(BIN)/python -m mypy --config-file tools/mypy-firmware.ini \
	--custom-typeshed-dir build/stubs/$(1) --platform $(1) --cache-dir build/mypy/$(1)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
CHECKS := lint types types-rp2 types-esp32 types-virtual house
.PHONY: help demo test check $(CHECKS) fix bench soak fuzz wheel lock clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z][a-z0-9-]*:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

demo: $(READY)  ## run the whole story on a virtual logger; results in build/demo
	$(BIN)/celltrail demo --out build/demo

test: $(READY)  ## run all tests, on CPython and on MicroPython
	$(BIN)/python -m pytest -n $(JOBS)

check: $(CHECKS)  ## style, types on the host and for each board, import rules; changes nothing

lint: $(READY)  ## ruff only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)  ## mypy on host and protocol
	$(BIN)/python -m mypy --cache-dir build/mypy/host

types-rp2: build/stubs/rp2.stamp  ## mypy on the firmware as a Pico W sees it
	$(call FIRMWARE_MYPY,rp2) --exclude boards/esp32 firmware

types-esp32: build/stubs/esp32.stamp  ## mypy on the firmware as an ESP32 sees it
	$(call FIRMWARE_MYPY,esp32) --exclude boards/pico_w firmware

types-virtual: $(READY)  ## mypy on the virtual board
	$(BIN)/python -m mypy --config-file tools/mypy-virtual.ini --cache-dir build/mypy/virtual

house: $(READY)  ## the rules of the house: who imports whom, docstrings, leftovers
	$(BIN)/python -m pytest -q tests/house

fix: $(READY)  ## repair what ruff can repair
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)  ## measure the targets; table on screen, build/bench.json
	$(BIN)/python -m tests.bench.run

soak: $(READY)  ## cut the power at every step, then in pairs for half an hour: make soak SECONDS=1800
	$(BIN)/python -m tests.power.campaign --seconds $(or $(SECONDS),1800)

fuzz: $(VENV)/.fuzz  ## fuzz every parser, coverage-guided; SECONDS=60 each, TARGET=trail for one; corpus in build/fuzz
	$(BIN)/python -m tests.fuzz.run --seconds $(or $(SECONDS),60) $(addprefix --target ,$(TARGET))

wheel: $(READY)  ## build the wheel into dist/
	$(PIP) wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	@ls dist/*.whl

lock: build/lock/.ready  ## resolve all dependencies anew and write the lock files
	$(call COMPILE,pyproject.toml --group dev,requirements.lock)
	$(call COMPILE,--group stubs-rp2,requirements-stubs-rp2.lock)
	$(call COMPILE,--group stubs-esp32,requirements-stubs-esp32.lock)
	$(call COMPILE,--group fuzz,requirements-fuzz.lock)

clean:  ## remove everything that was built, .venv too
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- environment ---

$(LOCKED): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Celltrail needs Python 3.11 or newer; name one: make PYTHON=python3.12"; exit 1; }
	@echo "Installing locked packages into $(VENV) (once; about a minute)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install --quiet --require-hashes --no-deps -r requirements.lock
	@touch $@

$(READY): $(LOCKED) pyproject.toml
	@$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.fuzz: requirements-fuzz.lock $(READY)
	@$(PIP) install --quiet --require-hashes --no-deps -r requirements-fuzz.lock
	@touch $@

build/stubs/%.stamp: requirements-stubs-%.lock $(LOCKED)
	@echo "Installing MicroPython stubs for $* into build/stubs/$*"
	@rm -rf build/stubs/$*
	@$(PIP) install --quiet --require-hashes --no-deps --target build/stubs/$* -r $<
	@touch $@

build/lock/.ready: Makefile
	@$(PYTHON) -m venv --clear build/lock
	@build/lock/$(notdir $(BIN))/python -m pip install --quiet $(UV)
	@touch $@

COMPILE = build/lock/$(notdir $(BIN))/uv pip compile --quiet --universal --python-version 3.11 --upgrade \
	--generate-hashes --no-emit-index-url --custom-compile-command 'make lock' $(1) -o $(2)
