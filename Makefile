# `make run` and `make test` need python3 (3.11 to 3.14), make and git; all else is fetched.
# `make` alone lists the targets.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null \
  && command -v $$p && break; done)
BIN := .venv/bin

# A check reads MOORING_TEST_* and nothing else that somebody exported, for us or for production;
# no proxy comes between the tests and what they start; what is compiled is kept, as images of
# Python forbid: the hundreds of programs that tests start would each compile all of Mooring again.
CLEAN = for name in $$(env | sed -nE 's/^(MOORING_[A-Z0-9_]*|PG[A-Z]+|KUBECONFIG|DATABASE_URL)=.*/\1/p' \
  | grep -v '^MOORING_TEST_'); do unset $$name; done; \
  unset PYTHONDONTWRITEBYTECODE; \
  no_proxy="$${no_proxy:-$$NO_PROXY},127.0.0.1,localhost"; NO_PROXY=$$no_proxy; export no_proxy NO_PROXY;
# Tests that mostly compute, a process for each core of a small machine.
ALONGSIDE := -n 2 --dist worksteal
# Tests that mostly wait run abreast, each process with a Postgres of its own.
ABREAST := -n 4 --dist worksteal
BESIDE := -n 3 --dist loadfile
# The same; tests that would disturb each other are of one process (tests/kubernetes/conftest.py).
APART := -n 3 --dist loadgroup
# Beside two hundred sandboxes nobody else's would come up in time.
MANY := tests/kubernetes/test_many.py
REAL := tests/kubernetes --ignore=$(MANY)
# $(call timed,name,command): the command, then how long it took.
timed = @echo "== $(1)"; begun=$$(date +%s); $(CLEAN) $(2); code=$$?; \
  echo "== $(1): $$(($$(date +%s) - begun)) s"; exit $$code

.PHONY: help run test static unit integration simulation torture acceptance faults mutants chaos security test-kubernetes golden bench format schema
.PHONY: reference schema-lint deploy-check lock lock-check clean environment test-environment python

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 26

run: environment ## Run everything on this machine; Ctrl-C stops it
	@exec $(BIN)/mooring dev

test: static unit integration simulation acceptance ## Run every check

static: test-environment ## Format, lint, types, import contracts, public schema, reference
	$(call timed,static: format,$(BIN)/ruff format --check .)
	$(call timed,static: lint,$(BIN)/ruff check .)
	$(call timed,static: types,$(BIN)/python -m mypy && $(BIN)/python -m mypy tools/*.py tools/reference examples/*.py)
	$(call timed,static: import contracts,$(BIN)/lint-imports)
	$(call timed,static: public schema,$(BIN)/mooring export-schema --check)
	$(call timed,static: reference,$(BIN)/python -m tools.reference --check)

unit: test-environment ## Tests without processes
	$(call timed,unit,$(BIN)/python -m pytest $(ALONGSIDE) tests/unit)

integration: test-environment ## Tests on a real Postgres and the simulator, migrations too
	$(call timed,integration,$(BIN)/python -m pytest $(ABREAST) tests/integration -m "not faults and not security")

simulation: test-environment ## Whatever can go wrong in one process, await by await; the same runs each time
	$(call timed,simulation,$(BIN)/python -m pytest $(ALONGSIDE) tests/simulation)

torture: test-environment ## The same without end: make torture SECONDS=600; make torture SEED=7 replays a failure
	$(call timed,torture,$(BIN)/python -m tests.simulation $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED)) $(ARGS))

acceptance: test-environment ## The real processes, over HTTP and websockets
	$(call timed,acceptance,$(BIN)/python -m pytest $(BESIDE) tests/acceptance -m "not faults and not security")

faults: test-environment ## Each failure explained, the story with more breaking; not in make test, for its time
	$(call timed,faults: integration,$(BIN)/python -m pytest $(ABREAST) tests/integration -m faults)
	$(call timed,faults: acceptance,$(BIN)/python -m pytest $(BESIDE) tests/acceptance -m faults)
	$(call timed,faults: chaos,$(BIN)/python -m pytest tests/chaos -m faults)

mutants: test-environment ## Each line that upholds an invariant, taken away: a test must fail; ARGS="--only TEXT"
	$(call timed,mutants,$(BIN)/python -m tests.mutants $(ARGS))

chaos: test-environment ## Real processes killed, paused and cut off: SECONDS=180 PROJECTS=200 SEED=…; prints a table
	$(call timed,chaos,$(BIN)/python -m tests.chaos --seconds $(or $(SECONDS),180) --projects $(or $(PROJECTS),200) \
	  $(if $(SEED),--seed $(SEED)) $(ARGS))

security: test-environment ## Who may do what: each way in, each scope, each input; not in make test, for its time
	$(call timed,security: integration,$(BIN)/python -m pytest $(ABREAST) tests/integration -m security)
	$(call timed,security: acceptance,$(BIN)/python -m pytest tests/acceptance -m security)

test-kubernetes: test-environment ## Stories and reasons on the cluster of MOORING_TEST_KUBECONFIG
	$(if $(MOORING_TEST_KUBECONFIG),$(call timed,kubernetes,$(BIN)/python -m pytest $(APART) $(or $(ARGS),$(REAL))),\
	  @echo '== kubernetes: skipped, MOORING_TEST_KUBECONFIG names no cluster for tests')
	$(if $(MOORING_TEST_KUBECONFIG),$(if $(ARGS),,$(call timed,kubernetes: many,$(BIN)/python -m pytest $(MANY))))

golden: test-environment ## Record what the cluster of MOORING_TEST_KUBECONFIG answers, for the simulator to answer the same
	@$(CLEAN) $(BIN)/python -m tests.differential $(ARGS)

bench: test-environment ## Measure everything, some minutes; the table goes to bench/results
	$(call timed,bench,$(BIN)/python -m bench $(ARGS))

format: test-environment ## Format, and mend what the linter can
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

schema: test-environment ## Write schema.graphql and its reference from the code
	@$(BIN)/mooring export-schema
	@$(BIN)/python -m tools.reference

reference: test-environment ## Write docs/reference and the reconciler's rights from the code
	@$(BIN)/python -m tools.reference

lock: ## Write the lock files; make lock ARGS="--upgrade-package NAME"
	@PYTHON=$(PYTHON) tools/lock.sh $(ARGS)

lock-check: ## Fail when the lock files are not what pyproject.toml asks for
	@PYTHON=$(PYTHON) tools/lock.sh --check

clean: ## Remove what was built; the data of make run stays
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .hypothesis .import_linter_cache

environment: python
	@$(PYTHON) tools/environment.py run

test-environment: python
	@$(PYTHON) tools/environment.py test

python:
	@test -n "$(PYTHON)" || { echo 'Mooring needs Python 3.11 to 3.14, and this machine has none.'; \
	  echo 'Install it:  apt-get install python3 python3-venv'; exit 1; }

schema-lint: python ## Lint schema.graphql with Node's tools; compare it with a contract that is given
	@PYTHON=$(PYTHON) tools/schema-lint/lint.sh

deploy-check: test-environment ## Hold deploy/kubernetes against the schemas of Kubernetes 1.33 to 1.36
	@PYTHON=$(PYTHON) tools/deploy-check/check.sh

-include playground/playground.mk
