# Two commands matter: `make reproduce` and `make test`. Both make the environment they need first.

PYTHON  ?= python3
PROFILE ?= demo
TORCH   ?=

VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
NBVAL_OUTPUTS := $(CURDIR)/outputs/nbval

.DEFAULT_GOAL := help
.PHONY: help install reproduce test lab base refresh clean

help: ## show this list
	@echo "make reproduce              run the notebooks on the demo profile: CPU, offline, minutes"
	@echo "make reproduce PROFILE=x    the same with params/x.yaml, for example paper_8b on a GPU machine"
	@echo "make test                   lint, tests, and the notebooks against their committed outputs"
	@echo "make lab                    open the notebooks in JupyterLab (BIMEDIX2_PARAMS=params/x.yaml picks a profile)"
	@echo "make base                   rebuild the tiny base model that ships with the package"
	@echo "make refresh                run the notebooks with their defaults and write their outputs back"
	@echo "make install                only make the environment (.venv) from requirements.lock"
	@echo "make clean                  remove .venv, outputs (except outputs/reference) and caches"
	@echo
	@echo "PyTorch: pip takes the CUDA build from PyPI on Linux. 'make TORCH=cpu reproduce' (or test, install)"
	@echo "takes the much smaller CPU build from https://download.pytorch.org/whl/cpu; where pip is configured with a"
	@echo "CPU build of the locked version (PIP_FIND_LINKS or an extra index), that one is used without asking."
	@echo "TORCH matters when .venv is made; 'make clean' first to change it."

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; name another one: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
ifeq ($(TORCH),cpu)
	$(BIN)/python -m pip install --quiet --no-deps --index-url https://download.pytorch.org/whl/cpu "$$(grep '^torch==' requirements.lock)"
endif
	$(BIN)/python -m pip install --quiet -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

install: $(STAMP)

reproduce: $(STAMP)
	$(BIN)/python -m bimedix2_core.reproduce --params params/$(PROFILE).yaml

# Notebooks: one worker, in the order of their names, in an outputs folder of their own (notebooks/conftest.py sets the rest).
test: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest tests
	rm -rf $(NBVAL_OUTPUTS)
	BIMEDIX2_OUTPUTS=$(NBVAL_OUTPUTS) $(BIN)/python -m pytest --nbval --nbval-current-env \
		--nbval-sanitize-with tests/nbval_sanitize.cfg --nbval-cell-timeout 900 notebooks/

lab: $(STAMP)
	cd notebooks && ../$(BIN)/python -m jupyterlab

base: $(STAMP)
	$(BIN)/python -m bimedix2_core.demo.tiny_base

refresh: $(STAMP)
	$(BIN)/python -m bimedix2_core.reproduce --refresh

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache
	find outputs -mindepth 1 -maxdepth 1 ! -name reference -exec rm -rf {} + 2>/dev/null || true
	find . -name __pycache__ -prune -exec rm -rf {} +
