# `make` lists the targets. PYTHON= chooses the interpreter that the environment is made of, 3.10 or newer.
PYTHON ?= python3
BIN := .venv/bin
USERS ?= 8
LOCK := $(BIN)/uv pip compile --universal --python-version 3.10 --generate-hashes --no-annotate --no-header --quiet \
	pyproject.toml
export PORT HOST MODEL WORKERS

.DEFAULT_GOAL := help
.PHONY: help serve test test-bulk faults weights scale load load-limit soak drills hostile hosts bench bench-page bench-bulk screenshots fuzz audit sbom check check-page format hooks lock clean

# What checks the page's JavaScript, where Node is there: serving needs neither.
NODE_TOOLS := $(if $(shell command -v npm 2>/dev/null),node_modules/installed)
NODE_BIN := node_modules/.bin

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo 'Options: PORT=8000 HOST=127.0.0.1 MODEL=auto|coco|coco-v1|bundled|FILE,... WORKERS=1'

.venv/installed: requirements.lock pyproject.toml scripts/setup.py
	@$(PYTHON) scripts/setup.py

.venv/installed-tests: .venv/installed requirements-dev.lock
	@.venv/bin/python scripts/setup.py tests

node_modules/installed: package.json
	@npm install --no-package-lock --no-audit --no-fund --loglevel=error && touch $@ || echo 'npm could not install its tools.'

serve: .venv/installed  ## everything on http://127.0.0.1:8000, until Ctrl-C
	@exec $(BIN)/python scripts/serve.py

# Files share the cores; threads of several would wait for one another. Half of the time they wait for servers and pages.
test: .venv/installed-tests  ## all tests, three files at once; ARGS="tests/edges/test_matte.py" runs some
	@OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE GOMP_SPINCOUNT=0 exec $(BIN)/python -m pytest $(or $(ARGS),-n 3 --dist loadfile --no-loadscope-reorder)

test-bulk: .venv/installed-tests  ## bulk jobs on a real Ray that is killed, and on three machines; wants the computer for itself
	@exec $(BIN)/python -m pytest -m alone tests/scripts/test_cut_many.py

faults: .venv/installed-tests  ## faults that were found in use, with what is right instead and whether the tests say so
	@exec $(BIN)/python scripts/faults.py $(ARGS)

weights: .venv/installed  ## download the full model, 80 classes
	@$(BIN)/python scripts/fetch_weights.py coco

scale: .venv/installed  ## show the model workers and their load, or set them with WORKERS=
	@$(BIN)/python scripts/scale.py $(if $(PORT),--port $(PORT)) $(if $(WORKERS),set $(WORKERS),show)

LOCUST := PYTHONPATH=$(CURDIR)/scripts exec $(BIN)/locust -f loadtests/locustfile.py --headless --only-summary
load: .venv/installed-tests  ## a minute of load on a running server from USERS=8, in SHAPE=steady|ramp|spike|steps|waves; charts in load.html
	@$(LOCUST) --users $(USERS) --spawn-rate 4 --run-time $(or $(TIME),1m) --host http://127.0.0.1:$(or $(PORT),8000) \
		--shape $(or $(SHAPE),steady) --most-failures 0.01 --html load.html $(ARGS) Person Program Bulk

load-limit: .venv/installed-tests  ## the highest rates at which photos are cut in time, for docs/capacity.md
	@PYTHONPATH=$(CURDIR)/scripts exec $(BIN)/python loadtests/limit.py $(ARGS)

soak: .venv/installed-tests  ## MINUTES=2 of mixed traffic to a server whose parts are killed meanwhile; every answer is compared
	@PYTHONPATH=$(CURDIR)/scripts exec $(BIN)/python loadtests/soak.py --minutes $(or $(MINUTES),2) $(ARGS)

drills: .venv/installed-tests  ## one fault after the other, and whether the server stood it; ARGS="--only 'disk full'" for one
	@PYTHONPATH=$(CURDIR)/scripts exec $(BIN)/python loadtests/drills.py $(ARGS)

hostile: .venv/installed-tests  ## what is made to cost the server much, and what each costs it; ARGS="--only 'no HTTP'" for one
	@PYTHONPATH=$(CURDIR)/scripts exec $(BIN)/python loadtests/hostile.py $(ARGS)

hosts: .venv/installed-tests  ## three hosts behind HAProxy, as network namespaces: what they bring, and one of them cut off; needs root
	@PYTHONPATH=$(CURDIR)/scripts exec $(BIN)/python loadtests/hosts.py $(ARGS)

bench: .venv/installed-tests  ## speed, memory and detections beside torchvision's own; ARGS="--help" says what to choose
	@exec $(BIN)/python scripts/bench.py $(ARGS)

bench-page: .venv/installed-tests  ## weight, paint, jumps and waiting times of the page beside their goals; needs Chromium
	@exec $(BIN)/python scripts/bench_page.py $(ARGS)

bench-bulk: .venv/installed-tests  ## what Ray adds to the time that many photos take in one process
	@exec $(BIN)/python scripts/bench_bulk.py $(ARGS)

screenshots: .venv/installed-tests  ## pictures of the page in docs/screenshots, and the README's; needs Chromium
	@exec $(BIN)/python scripts/screenshots.py $(ARGS)

fuzz: .venv/installed-tests  ## damaged files and odd requests, N=1000, to a server of its own; ARGS=--stage, --coverage only decode
	@exec $(BIN)/python scripts/fuzz.py --inputs $(or $(N),1000) $(ARGS)

audit: .venv/installed-tests  ## look up the packages that serving needs among the known vulnerabilities
	@exec $(BIN)/python scripts/audit.py $(ARGS)

sbom: .venv/installed-tests  ## list these packages in sbom.json, a bill of materials in the CycloneDX format
	@$(BIN)/python -W ignore -m cyclonedx_py requirements requirements.lock --pyproject pyproject.toml --mc-type application \
		--output-reproducible --output-format JSON --output-file sbom.json && echo 'The list is sbom.json.'

check: .venv/installed-tests check-page audit  ## style, types, spelling and known vulnerabilities
	@$(BIN)/ruff check --no-cache . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/codespell $$(git ls-files | grep -v lock)

check-page: $(NODE_TOOLS)
	@if [ -e node_modules/installed ]; then $(NODE_BIN)/biome check && $(NODE_BIN)/tsc --project jsconfig.json && \
		$(NODE_BIN)/tsc --project tests/page/unit/jsconfig.json; else echo 'The JavaScript was not checked: Node is missing.'; fi

format: .venv/installed-tests $(NODE_TOOLS)  ## bring the code into shape
	@$(BIN)/ruff check --no-cache --fix . && $(BIN)/ruff format .
	@if [ -e node_modules/installed ]; then $(NODE_BIN)/biome check --write; fi

hooks: .venv/installed-tests  ## check every commit before it is made
	@$(BIN)/pre-commit install

lock: .venv/installed  ## pin the dependencies of pyproject.toml anew
	@$(LOCK) --extra dev --upgrade --output-file requirements-dev.lock
	@cp requirements-dev.lock requirements.lock && $(LOCK) --output-file requirements.lock

clean:  ## remove everything that was made here but downloaded weights
	@rm -rf .venv .run model_store/objectcut.* .pytest_cache .mypy_cache .ruff_cache node_modules
