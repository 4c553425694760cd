# Needs: Python 3.11 or newer with venv, make, git and a package index. Nothing else.
#
#   make run      serve on http://127.0.0.1:$(PORT)
#   make test     everything, as CI runs it        make check   the fast part of it
#   make format   put the source in its form       make bench   measure speed and memory
#   make pacs-demo  an archive beside it: a radiograph goes in, its result comes back
#   make docs     what the documents say of the default bundle, from its report.json
#   make figures  measure that bundle on every set in DATA (one look at the official test)
#   make viewer   build the vendored part of the viewer anew (needs Node)
#   make lock     resolve the requirements anew    make clean   remove what the above made
#   make messages  bring the catalogues of languages up to date, and compile them

PYTHON ?= python3
PORT ?= 8000

SHELL := /bin/sh
.DELETE_ON_ERROR:
# Bytecode is written by what imports it: without, every start would compile its packages anew.
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help
.PHONY: help model networks run test check lint format docs figures trainings bench lock messages clean pacs-demo viewer

SERVE_LOCKS := requirements/build.txt requirements/serve.txt
DEV_LOCKS := $(SERVE_LOCKS) requirements/dev.txt requirements/lab.txt

# A finished environment holds a stamp named by what went into it: the locks' bytes, the
# interpreter and this folder's place (a virtual environment cannot be moved). An environment that
# is absent, half made or of other locks has no such stamp, and is made again from nothing.
stamp = $(1)/stamp-$(shell { cat $(2); $(PYTHON) -V; pwd; } 2>&1 | cksum | tr ' ' -)
SERVE := $(call stamp,.venv,$(SERVE_LOCKS))
DEV := $(call stamp,.venv-dev,$(DEV_LOCKS))

# Errors only: a user cannot do anything about the warnings of somebody else's package index.
PIP_QUIET := -qq --disable-pip-version-check --no-input

help:
	@sed -n 's/^#   //p' Makefile

run: .venv/installed
	@exec .venv/bin/pneumoscope serve --port $(PORT)

test: lint
	@.venv-dev/bin/pytest

check: lint
	@.venv-dev/bin/pytest -m "not e2e and not lab"

lint: .venv-dev/installed
	@.venv-dev/bin/ruff format --check .
	@.venv-dev/bin/ruff check .
	@.venv-dev/bin/mypy
	@.venv-dev/bin/lint-imports

format: .venv-dev/installed
	@.venv-dev/bin/ruff check --fix-only --quiet .
	@.venv-dev/bin/ruff format .

docs: .venv-dev/installed
	@.venv-dev/bin/python docs/generate.py

figures: .venv-dev/installed
	@.venv-dev/bin/pneumoscope evaluate --targets "$(DATA)" --out runs/figures \
	  --robustness 100 --masks --pictures --ledger docs/ledger.csv
	@cp runs/figures/report.json "$$(.venv-dev/bin/python -c \
	  'from pneumoscope.core.bundle import bundle_find; print(bundle_find())')"
	@.venv-dev/bin/pneumoscope benchmark --format json > docs/measured/benchmark.json
	@.venv-dev/bin/pneumoscope models zoo $(RUNS) --format json > docs/measured/zoo.json
	@# predict says by its status that one of these holds no image.
	@{ cd "$(DATA)/dicom" && "$(CURDIR)/.venv-dev/bin/pneumoscope" predict chest not_for_analysis \
	  --format jsonl; } | .venv-dev/bin/python docs/outcomes.py > docs/measured/dicom.jsonl
	@$(MAKE) trainings docs

# Several trainings side by side: RUNS="RUN/bundle …", each measured on adults where it was not yet.
trainings: .venv-dev/installed
	@for run in $(RUNS); do test -f "$$run/report.json" || .venv-dev/bin/pneumoscope evaluate \
	  --targets "$(DATA)" --no-test --model "$$run" --out "$$run" || exit; done
	@test -z "$(RUNS)" || .venv-dev/bin/pneumoscope models trainings $(RUNS) --format json \
	  > docs/measured/trainings.json

# Trains the default model: first on children, whose model reads the adults' doubtful labels, then on
# both. DATA holds chest_xray, nih_adult and hannover_covid; about half an hour on two cores.
FRONTAL = $(DATA)/nih_adult/images $(DATA)/hannover_covid/images
model: .venv-dev/installed
	@test -n "$(DATA)" || { echo "Say where the data are: make model DATA=DIR"; exit 2; }
	.venv-dev/bin/pneumoscope train --resume --recipe recipes/children.toml --out runs/children \
	  --data $(DATA)/chest_xray --frontal $(FRONTAL)
	.venv-dev/bin/pneumoscope data import nih $(DATA)/nih_adult --out runs/nih.csv
	.venv-dev/bin/pneumoscope data relabel runs/nih.csv --model runs/children/bundle \
	  --out runs/nih-read.csv
	.venv-dev/bin/pneumoscope train --resume --recipe recipes/default.toml --out runs/default \
	  --data $(DATA)/chest_xray runs/nih-read.csv --frontal $(FRONTAL)

# The registry's networks by one short recipe, for the zoo. An hour on two cores. Half precision where
# it helps: plain convolutions become twice as fast on processors that know it, depthwise ones slower.
NETWORKS = lung_lite0 efficientnet_lite0 efficientnet_lite1 efficientnet_lite2 resnet18 densenet121
networks: .venv-dev/installed
	@for name in $(NETWORKS); do mkdir -p runs/$$name && \
	  case $$name in resnet*|densenet*) precision=bfloat16 ;; *) precision=float32 ;; esac && \
	  sed 's/^name = "efficientnet_lite0"/name = "'$$name'"/; s/^precision = .*/precision = "'$$precision'"/' \
	  recipes/networks.toml > runs/$$name.toml && .venv-dev/bin/pneumoscope train --resume \
	  --recipe runs/$$name.toml --data $(DATA)/chest_xray --out runs/$$name || exit; done

pacs-demo: .venv-dev/installed
	@exec .venv-dev/bin/python tools/pacs_demo.py

# The vendored part of the viewer (viewer/README.md): needs Node; committed, so that nobody else does.
viewer:
	@cd viewer && npm ci --no-audit --no-fund --ignore-scripts && npm run build

bench: .venv-dev/installed
	@.venv-dev/bin/pneumoscope benchmark

LOCK := pip-compile --quiet --strip-extras --allow-unsafe --generate-hashes --no-emit-options \
  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links
lock: .venv-dev/installed
	@cd requirements && PATH="$(CURDIR)/.venv-dev/bin:$$PATH" && \
	  $(LOCK) --extra web --extra dicom --output-file serve.txt ../pyproject.toml && \
	  $(LOCK) --output-file build.txt build.in && \
	  $(LOCK) --output-file dev.txt dev.in

# Needs GNU gettext (Debian: apt-get install gettext). A new language: `mkdir` its folder first.
LOCALES := src/pneumoscope/web/locale
messages: .venv-dev/installed
	@cd src/pneumoscope/web && PNEUMOSCOPE_HOME="$(CURDIR)/var" \
	  ../../../.venv-dev/bin/python -m pneumoscope.web makemessages --exclude en \
	  --no-wrap --no-obsolete --add-location file --extension html,py --verbosity 0
	@for each in $(LOCALES)/*/LC_MESSAGES/django.po; do \
	  sed -i '/^"\(POT-Creation-Date\|PO-Revision-Date\|Report-Msgid-Bugs-To\|Last-Translator\|Language-Team\|Project-Id-Version\):/d' "$$each"; \
	  msgfmt --check-format --statistics -o "$${each%.po}.mo" "$$each" || exit 1; done

clean:
	rm -rf .venv .venv-dev dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests samples -name __pycache__ -type d -prune -exec rm -rf {} +

# The project itself, in place. Again when its metadata change.
%/installed: pyproject.toml
	@$*/bin/python -m pip install $(PIP_QUIET) --no-build-isolation --no-deps --editable .
	@touch $@
.venv/installed: $(SERVE)
.venv-dev/installed: $(DEV)

define new_venv
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "python_too_old: Pneumoscope needs Python 3.11 or newer, not $$($(PYTHON) -V 2>&1)" >&2; \
	  echo "  make $(MAKECMDGOALS) PYTHON=python3.11 (or the path of a newer one)" >&2; exit 1; }
	@echo "Installing into $(1) (once; $(2)) ..."
	@rm -rf $(1)
	@$(PYTHON) -m venv $(1) || { \
	  echo "no_venv: $(PYTHON) cannot make a virtual environment" >&2; \
	  echo "  Install Python's venv module (Debian: apt-get install python3-venv)" >&2; exit 1; }
endef

$(SERVE):
	$(call new_venv,.venv,about a minute)
	@# Python compiles what it imports; compiling the rest too would take a fifth of the disk.
	@.venv/bin/python -m pip install $(PIP_QUIET) --no-compile --require-hashes \
	  $(addprefix -r ,$(SERVE_LOCKS))
	@touch $@

$(DEV):
	$(call new_venv,.venv-dev,a few minutes: torch is large)
	@.venv-dev/bin/python -m pip install $(PIP_QUIET) --require-hashes \
	  $(addprefix -r ,$(SERVE_LOCKS) requirements/dev.txt)
	@.venv-dev/bin/python -m pip install $(PIP_QUIET) $$(grep '^torch==' requirements/lab.txt)
	@.venv-dev/bin/python -m pip install $(PIP_QUIET) -r requirements/lab.txt
	@touch $@
