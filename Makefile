# Every command of the project. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
CONTROL := python3 -m infra.control
PYTHON := $(or $(MARQUEE_STATE),.marquee)/software/venv/bin/python
TEST_ENVIRONMENT := MARQUEE_INSTANCE=test MARQUEE_PORT_OFFSET=10000

.PHONY: help
help: ## List the commands
	@echo "Marquee: movie recommendations, rebuilt every night. Settings: .env (see .env.example)."
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-22s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## Install, start everything, run the pipeline on real data, show one user's recommendations
	@$(CONTROL) preflight
	@$(CONTROL) install
	@$(CONTROL) up
	@$(CONTROL) exec -- python3 -m infra.pipeline demo

.PHONY: install
install: ## Install what the platform needs below .marquee/software
	@$(CONTROL) preflight
	@$(CONTROL) install

.PHONY: up
up: install ## Start everything and wait until it serves
	@$(CONTROL) up

.PHONY: down
down: ## Stop everything; nothing is left running, data is kept
	@$(CONTROL) down

.PHONY: status
status: ## A table of the services: state, port, memory, log
	@$(CONTROL) status

.PHONY: logs
logs: ## Show a service's log: make logs SERVICE=hiveserver2 [FOLLOW=yes]
	@$(CONTROL) logs "$(SERVICE)" $(if $(FOLLOW),--follow)

.PHONY: run
run: ## Run the pipeline and wait: make run [DATASET=ml-latest-small] [ARCHIVE=file.zip]
	@$(CONTROL) exec -- python3 -m infra.pipeline run $(if $(DATASET),--dataset "$(DATASET)") $(if $(ARCHIVE),--archive "$(abspath $(ARCHIVE))")

.PHONY: clean
clean: ## Stop, then delete data, logs and secrets; asks first (CONFIRM=yes does not)
	@$(CONTROL) clean $(if $(filter yes,$(CONFIRM)),--yes)

.PHONY: backup
backup: ## Write databases, HDFS metadata, publications, models and secrets to a folder of their own
	@$(CONTROL) backup

.PHONY: restore
restore: ## Put a backup in place of this instance's data: make restore BACKUP=folder
	@$(CONTROL) restore "$(abspath $(BACKUP))"

.PHONY: publications
publications: ## List the publications: id, model, metric, live, pinned
	@$(CONTROL) exec -- sh -c '"$$MARQUEE_SERVING_PYTHON" -m serving.publications list --store "$$MARQUEE_PUBLICATION_STORE"'

.PHONY: test-environment
test-environment:
	@$(TEST_ENVIRONMENT) $(CONTROL) preflight
	@$(CONTROL) install --tests

.PHONY: test-fast
test-fast: test-environment ## Unit tests, no daemons
	@$(PYTHON) -m pytest -q -m "not stack"

.PHONY: test
test: test-fast ## All tests: unit tests, then the real stack end to end, on its own ports and state
	@$(TEST_ENVIRONMENT) $(PYTHON) -m pytest -q -m stack -s

.PHONY: lint
lint: test-environment ## ruff, mypy and sqlfluff
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy
	@$(PYTHON) -m sqlfluff lint hql

# BLAS threads only get in one another's way on matrices of this size.
BENCH = PYTHONPATH=spark_jobs OPENBLAS_NUM_THREADS=1 $(PYTHON)
RECBOLE = $(or $(MARQUEE_STATE),.marquee)/cache/recbole

.PHONY: bench-quality
bench-quality: test-environment ## The published ML-100K benchmark, five seeds, beside the published rows
	@test -d $(RECBOLE) || $(or $(MARQUEE_STATE),.marquee)/software/uv/bin/uv pip install -q --no-deps \
		--python $(PYTHON) --target $(RECBOLE) recbole==1.2.1
	@$(BENCH) tests/bench/quality.py --inter $(RECBOLE)/recbole/dataset_example/ml-100k/ml-100k.inter

.PHONY: bench-topn
bench-topn: test-environment ## Top-N lists: this project's kernel in Spark, plain NumPy, recommendForAllUsers
	@$(BENCH) tests/bench/topn.py

.PHONY: bench-train
bench-train: test-environment ## ALS: CPU seconds and nDCG against the package implicit
	@$(BENCH) tests/bench/als_training_time.py

UV_LOCK = $(or $(MARQUEE_STATE),.marquee)/software/uv/bin/uv pip compile -q --python-version 3.11 \
	--python-platform x86_64-manylinux_2_28 --generate-hashes --override requirements/overrides.txt \
	--custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)

.PHONY: lock
lock: ## Write requirements/*.txt anew from requirements/*.in: make lock [UPGRADE=yes]
	$(UV_LOCK) requirements/bootstrap.in -o requirements/bootstrap.txt
	$(UV_LOCK) requirements/platform.in -o requirements/platform.txt
	$(UV_LOCK) requirements/serving.in -o requirements/serving.txt
	$(UV_LOCK) -c requirements/serving.txt -c requirements/platform.txt requirements/accounts.in -o requirements/accounts.txt
	$(UV_LOCK) -c requirements/platform.txt -c requirements/serving.txt -c requirements/accounts.txt requirements/dev.in -o requirements/dev.txt
