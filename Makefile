# Two commands set up all that they need: `make demo` and `make test`. `make check` is what CI runs.
# What they need themselves: Python 3.11 or newer with venv, git and make.
# Another Python: make test PYTHON=python3.13

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# The first that is new enough; 3.11 leads, because constraints.txt was tested with it.
PYTHON ?= $(shell for name in python3.11 python3 python3.12 python3.13 python3.14 python; do \
	if $$name -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	then echo $$name; break; fi; done)

DEMO := .venv-demo
ENV := .venv
BROWSER := .cache/browser
RUN := $(ENV)/bin
PIP := -m pip --quiet --disable-pip-version-check

# A newcomer's environment must not leak into ours.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV PIP_USER

SOURCES := $(shell find src -type f -not -path '*/__pycache__/*' | sed 's/ /\\ /g')
LABELS := cat,dog,duck,horse,koala,polar bear,boat,flower,cup of coffee,sunset

.PHONY: help demo test parity browser setup lint format types check docs clean python chromium

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(DEMO)/.installed ## classify the demo photos with the bundled model, in an environment without torch
	$(DEMO)/bin/python -c "import importlib.util; assert importlib.util.find_spec('torch') is None; print('no torch is installed here')"
	$(DEMO)/bin/sightline classify photos --labels '$(LABELS)'

test: $(ENV)/.installed ## run the tests
	$(RUN)/python -m pytest -n 2

# Who has OpenAI's own ViT-B-32.pt names its folder: make parity SIGHTLINE_REAL_WEIGHTS=FOLDER.
export SIGHTLINE_REAL_WEIGHTS
PARITY := $(if $(SIGHTLINE_REAL_WEIGHTS),full or not full,not real)

parity: $(ENV)/.installed ## compare networks of real size with the other libraries; 15 minutes, 5 GB of disk
	$(RUN)/python -m pytest tests/parity -m '$(PARITY)' --parity-table

CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

browser: $(ENV)/.installed | chromium $(BROWSER)/.installed ## run an exported page in headless Chromium
	SIGHTLINE_BROWSER=$(BROWSER) CHROMIUM=$(CHROMIUM) $(RUN)/python -m pytest -m browser tests/export/test_browser_driven.py

setup: $(ENV)/.installed ## make the environment for tests and development

lint: $(ENV)/.installed ## check style and format
	$(RUN)/ruff check --no-cache . # its cache misses a module that moved
	$(RUN)/ruff format --check .

format: $(ENV)/.installed ## put the code in its format
	$(RUN)/ruff check --fix .
	$(RUN)/ruff format .

types: $(ENV)/.installed ## check types
	$(RUN)/mypy

docs: $(ENV)/.installed ## write docs/api.md and docs/commands.md from the code
	$(RUN)/python docs/reference.py

check: ## tests, style, format and types, as CI runs them
	./.ci/run

clean: ## remove both environments and what tools left behind
	rm -rf $(ENV) $(DEMO) $(BROWSER) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

python:
	@test -n "$(PYTHON)" || { echo "Sightline needs Python 3.11 or newer with its venv module:" \
	"install it, or name one with make PYTHON=/path/to/python3" >&2; exit 1; }

chromium:
	@test -n "$(CHROMIUM)" || { echo "make browser needs Chromium: install it (Debian: apt-get install" \
	"chromium), or name one with make browser CHROMIUM=/path/to/chromium" >&2; exit 1; }
	@command -v npm >/dev/null || { echo "make browser needs npm: install Node.js with npm" \
	"(Debian: apt-get install npm)" >&2; exit 1; }

$(BROWSER)/.installed: tests/browser/package.json | chromium
	@mkdir -p $(BROWSER)
	@echo "installing onnxruntime-web and playwright-core into $(BROWSER)"
	@cp tests/browser/package.json $(BROWSER)/
	@npm install --prefix $(BROWSER) --silent --no-audit --no-fund --no-package-lock
	@touch $@

# pip is asked for, because making an environment may have been interrupted before it got there.
make_env = $(1)/bin/python -m pip --version >/dev/null 2>&1 || \
	{ echo "making $(1) with $(PYTHON)"; $(PYTHON) -m venv --clear $(1); }

# The core alone, as `pip install sightline` gives it; again whenever a source file changes.
$(DEMO)/.installed: pyproject.toml constraints.txt README.md $(SOURCES) | python
	@$(call make_env,$(DEMO))
	@echo "installing sightline into $(DEMO), without torch"
	@$(DEMO)/bin/python $(PIP) install -c constraints.txt .
	@touch $@

# OpenCLIP is installed without what it asks for: torchvision, whose published build refuses a torch
# that it was not built with, and timm, which asks for torchvision. Both are there for tests that
# have a process of their own (tests/parity_process.py, tests/torchvision_processor.py); all others
# do without (tests/torchvision_standin.py). transformers brings the rest of what these need, and
# what OpenAI's package asks for beyond them is stood in for (tests/parity_openai.py).
# pip is renewed first because older ones do not know dependency groups.
$(ENV)/.installed: pyproject.toml constraints.txt | python
	@$(call make_env,$(ENV))
	@echo "installing what the tests need into $(ENV); torch alone takes a minute"
	@$(RUN)/python $(PIP) install -c constraints.txt pip
	@$(RUN)/python $(PIP) install -c constraints.txt --group test -e '.[all]'
	@$(RUN)/python $(PIP) install -c constraints.txt --no-deps open_clip_torch openai-clip timm torchvision
	@touch $@
