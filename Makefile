# Every command of the project. `make help` lists them.
.DEFAULT_GOAL := help
USER_FROM := $(origin USER)
# Make reads a given value's $ as its own, and would run `$(shell ...)`. Here each keeps its text.
$(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(eval override export $(name) := $$(value $(name)))))
HERE := $(dir $(lastword $(MAKEFILE_LIST)))
ifneq ($(HERE),./)
# `make -f FOLDER/Makefile`: the same in that folder.
.PHONY: $(or $(MAKECMDGOALS),help)
$(or $(MAKECMDGOALS),help):
	@$(MAKE) --no-print-directory -C '$(HERE)' $@
else
# `make -j down up` would start what it stops.
.NOTPARALLEL:
# Python is started with -E, which ignores its variables. The other programs must not see those of the caller's shell either.
unexport $(filter PYTHON% LD_% PG% GIT_DIR GIT_WORK_TREE,$(.VARIABLES)) BASH_ENV ENV CDPATH SHELLOPTS BASHOPTS IFS
export LC_ALL := C.UTF-8
export no_proxy := $(or $(no_proxy),$(NO_PROXY),localhost),localhost,127.0.0.1
export NO_PROXY := $(no_proxy)
# An argument counts on make's command line alone: a shell may hold a variable of that name for another program.
ARGUMENTS := A ARCHIVE B BACKUP CONFIRM CORPUS DAG DATASET DRY_RUN EMBEDDED ENV EXECUTORS FOLDER FOLLOW INVENTORY LABEL LANGUAGE \
	MAPPING PUBLICATION QUERY REASON REGISTRY ROWS RUN SECONDS SEEDS SERVICE SETS SINCE SOURCE TESTS TEXT TO UNREACHABLE UPGRADE \
	USERS VERSION WORKER
$(foreach name,$(ARGUMENTS),$(if $(findstring environment,$(origin $(name))),$(eval override $(name) :=)))
# Values that a person gives reach a program as "$$NAME": make hands them on in the environment, and the shell does not read them.
# A recipe has `$(CONTROL) given NAME` first, which checks them. "--name=$$NAME" lets a value begin with a -.
CONTROL := python3 -X utf8 -Es -m infra.control
# The default where settings can't be read: what a target then runs first says why.
STATE := $(or $(shell MARQUEE_STATE='$(subst ','\'',$(value MARQUEE_STATE))' $(CONTROL) state 2>/dev/null),.marquee)
# From here on. Bash would warn of a locale that this machine lacks, which the shell above gets from the caller.
SHELL := /bin/bash
# -p: without the functions, options and start files that a shell's environment names.
.SHELLFLAGS := -pc
SOFTWARE := $(STATE)/software
PYTHON := $(SOFTWARE)/venv/bin/python
BENCH_RESULTS := $(STATE)/engines.jsonl
PIPELINE_RESULTS := $(STATE)/pipeline-scale.jsonl
TRAINING_RESULTS := $(STATE)/training-scale.jsonl
TEST_ENVIRONMENT := MARQUEE_INSTANCE=test MARQUEE_PORT_OFFSET=10000

.PHONY: help
help: ## List the commands
	@echo "Marquee: movie recommendations, rebuilt every night. Settings: .env (see .env.example)."
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-22s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

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
	@$(CONTROL) given SERVICE FOLLOW
	@$(CONTROL) logs $(if $(filter yes,$(value FOLLOW)),--follow) -- "$$SERVICE"

DATA_GIVEN = $(if $(value DATASET),--dataset="$$DATASET") $(if $(value ARCHIVE),--archive="$$ARCHIVE") $(if $(value MAPPING),--mapping="$$MAPPING")

SOURCE_GIVEN = $(if $(value SOURCE),--source="$$SOURCE") $(if $(value QUERY),--query="$$QUERY")

.PHONY: run
run: ## Run the pipeline and wait: make run [DATASET=ml-latest-small] [ARCHIVE=file.zip] [MAPPING=mapping.toml] [SOURCE=shop QUERY='SELECT ...' SINCE=id]
	@$(CONTROL) given DATASET ARCHIVE MAPPING SOURCE QUERY SINCE
	@$(CONTROL) exec -- python3 -m infra.pipeline run $(DATA_GIVEN) $(SOURCE_GIVEN) $(if $(value SINCE),--since="$$SINCE")

RUN_GIVEN = $(if $(value RUN),--run="$$RUN") $(if $(value DAG),--dag="$$DAG")

.PHONY: watch-run
watch-run: ## Watch a run that is going: make watch-run [RUN=id] [DAG=tune_als]
	@$(CONTROL) given RUN DAG
	@$(CONTROL) exec -- python3 -m infra.pipeline watch $(RUN_GIVEN)

.PHONY: stop-run
stop-run: ## Stop the run that is going, and its work on YARN: make stop-run [RUN=id] [DAG=tune_als]
	@$(CONTROL) given RUN DAG
	@$(CONTROL) exec -- python3 -m infra.pipeline stop $(RUN_GIVEN)

CORPUS_GIVEN = $(if $(value CORPUS),--corpus="$$CORPUS") $(if $(value TEXT),--text="$$TEXT") $(if $(value LABEL),--label="$$LABEL") \
	$(if $(value LANGUAGE),--language="$$LANGUAGE")

.PHONY: sentiment
sentiment: ## Train the sentiment model, show five predictions: make sentiment [CORPUS=file TEXT=column LABEL=column LANGUAGE=ko EMBEDDED=no]
	@$(CONTROL) given CORPUS TEXT LABEL LANGUAGE EMBEDDED
	@$(CONTROL) exec -- python3 -m infra.pipeline sentiment $(CORPUS_GIVEN) $(if $(value EMBEDDED),--embedded="$$EMBEDDED")

.PHONY: explore
explore: ## One HTML page of a data set, nothing has to run: make explore [DATASET=ml-latest-small] [ARCHIVE=file.zip] [MAPPING=mapping.toml]
	@$(CONTROL) given DATASET ARCHIVE MAPPING
	@$(CONTROL) preflight --tools
	@$(CONTROL) install
	@$(CONTROL) exec -- sh -c 'dataset=$$1; shift; \
		PYTHONPATH=dags "$$MARQUEE_PYTHON" -m marquee.explore --cache-dir "$$MARQUEE_CACHE_DIR" --dataset "$$dataset" "$$@" \
		--output "$$MARQUEE_INSTANCE_DIR/explore/$$dataset.html"' sh $(if $(value DATASET),"$$DATASET",movielens-embedded) \
		$(if $(value ARCHIVE),--archive="$$ARCHIVE") $(if $(value MAPPING),--mapping="$$MAPPING")

.PHONY: inspect
inspect: ## Say what a file of ratings holds and propose a mapping, nothing has to run: make inspect ARCHIVE=path [MAPPING=mapping.toml], or SOURCE=shop QUERY='SELECT ...'
	@$(CONTROL) given ARCHIVE MAPPING SOURCE QUERY
	@$(CONTROL) preflight --tools
	@$(CONTROL) install
	@$(CONTROL) exec -- sh -c 'PYTHONPATH=dags exec "$$MARQUEE_PYTHON" -m marquee.ingest.own_data "$$@"' sh \
		$(if $(value SOURCE),,--archive="$$ARCHIVE") $(if $(value MAPPING),--mapping="$$MAPPING") $(SOURCE_GIVEN)

.PHONY: explore-reviews
explore-reviews: ## One HTML page of labelled reviews: make explore-reviews [CORPUS=file TEXT=column LABEL=column LANGUAGE=ko]
	@$(CONTROL) given CORPUS TEXT LABEL LANGUAGE
	@$(CONTROL) preflight --tools
	@$(CONTROL) install
	@$(CONTROL) exec -- sh -c 'rows=$$(mktemp -d) && trap "rm -rf \"$$rows\"" EXIT && \
		"$$MARQUEE_SENTIMENT_PYTHON" -m serving.reviews.corpora rows "$$@" --output "$$rows" >/dev/null && \
		PYTHONPATH=dags "$$MARQUEE_PYTHON" -m marquee.explore --reviews "$$rows" \
		--output "$$MARQUEE_INSTANCE_DIR/explore/reviews.html"' sh $(CORPUS_GIVEN)

.PHONY: clean
clean: ## Stop, then delete data, logs and secrets; asks first (CONFIRM=yes does not)
	@$(CONTROL) given CONFIRM
	@$(CONTROL) clean $(if $(filter yes,$(value CONFIRM)),--yes)

.PHONY: backup
backup: ## Write databases, HDFS metadata, publications, models and secrets to a folder of their own
	@$(CONTROL) backup

.PHONY: restore
restore: ## Put a backup in place of this instance's data: make restore BACKUP=folder
	@$(CONTROL) given BACKUP
	@$(CONTROL) restore -- "$$BACKUP"

# Passes what follows to the publications' program; values come as arguments and are never part of the shell's text.
PUBLICATIONS = $(CONTROL) exec -- sh -c 'command=$$1; shift; \
	exec "$$MARQUEE_SERVING_PYTHON" -m serving.publications "$$command" --store "$$MARQUEE_PUBLICATION_STORE" "$$@"' sh
REASON_GIVEN = $(if $(value REASON),--reason="$$REASON")

.PHONY: publications
publications: ## List the publications: id, when, model, metric, live, pinned
	@$(PUBLICATIONS) list

.PHONY: rollback
rollback: ## Go back to the publication that was live before: make rollback [TO=id] [REASON=why]
	@$(CONTROL) given TO REASON
	@$(PUBLICATIONS) rollback $(if $(value TO),--to="$$TO") $(REASON_GIVEN)

# The same program over the store of the sentiment model.
MODELS = $(CONTROL) exec -- sh -c 'command=$$1; shift; \
	exec "$$MARQUEE_SERVING_PYTHON" -m serving.publications "$$command" --store "$$MARQUEE_SENTIMENT_STORE" "$$@"' sh

.PHONY: sentiment-publications
sentiment-publications: ## List the publications of the sentiment model
	@$(MODELS) list

.PHONY: sentiment-rollback
sentiment-rollback: ## Go back to the sentiment model that was live before: make sentiment-rollback [TO=id] [REASON=why]
	@$(CONTROL) given TO REASON
	@$(MODELS) rollback $(if $(value TO),--to="$$TO") $(REASON_GIVEN)
	@$(CONTROL) exec -- python3 -m infra.pipeline sentiment-champion

.PHONY: pin
pin: ## Make a publication live and hold it, whatever the nightly run makes: make pin TO=id [REASON=why]
	@$(CONTROL) given TO REASON
	@$(PUBLICATIONS) pin --publication="$$TO" $(REASON_GIVEN)

.PHONY: unpin
unpin: ## Let newer publications go live again: make unpin [REASON=why]
	@$(CONTROL) given REASON
	@$(PUBLICATIONS) unpin $(REASON_GIVEN)

.PHONY: diff
# A shell sets USER too, and only the one of the command is meant.
diff: export FOR_USER := $(if $(filter command,$(USER_FROM)),$(value USER))
diff: ## What changed from A to B, for all or one user, and why: make diff A=id B=id [USER=1]
	@$(CONTROL) given A B USER=FOR_USER
	@$(PUBLICATIONS) diff --a="$$A" --b="$$B" $(if $(FOR_USER),--user="$$FOR_USER")

.PHONY: rebuild
rebuild: ## Build a publication again from its batch's exports and compare: make rebuild PUBLICATION=id
	@$(CONTROL) given PUBLICATION
	@$(CONTROL) exec -- sh -c 'exec "$$MARQUEE_SERVING_PYTHON" -m serving.publications rebuild \
		--store "$$MARQUEE_PUBLICATION_STORE" --from "$$MARQUEE_WEBHDFS_URL" --publication="$$1"' sh "$$PUBLICATION"

.PHONY: test-environment
test-environment:
	@$(CONTROL) preflight --tools
	@$(CONTROL) install --tests
	$(call environment,cluster)

SLOW_TESTS := spark or browser or stack or faults or compose or kubernetes or workflows or cluster or deployments

# A file stays with one worker: its tests share fixtures and imports. By file, since pytest-xdist 3.8 overlooks groups (loadgroup)
# under pytest 9.2 and says nothing.
.PHONY: test-fast
test-fast: test-environment ## Unit tests: no daemons, no Spark session, no browser: make test-fast [TESTS="tests/audit tests/dags"]
	@$(CONTROL) given TESTS
	@$(PYTHON) -m pytest -q --durations=15 -n 2 --dist loadfile -m "not ($(SLOW_TESTS))" $(if $(value TESTS),$$TESTS)

.PHONY: test-spark-browser
test-spark-browser: test-environment ## Tests with Spark's own session and with a browser
	@$(PYTHON) -m pytest -q --durations=15 -m "(spark or browser) and not (stack or faults or compose or kubernetes or workflows or cluster or deployments)"

.PHONY: test-stack
test-stack: test-room test-environment ## Start the real stack on its own ports and state, and test it end to end
	@$(TEST_ENVIRONMENT) $(PYTHON) -m pytest -q --durations=15 -m "stack and not (faults or shapes)" -s

.PHONY: test-shapes
test-shapes: test-room test-environment ## Inspect, run and serve your own data in every shape and from every source, on the test stack: an hour and a half
	@$(TEST_ENVIRONMENT) $(PYTHON) -m pytest -q -m shapes -s

# Whether there is room for the stack is asked before the unit tests, not after.
.PHONY: test-room
test-room:
	@$(TEST_ENVIRONMENT) $(CONTROL) preflight

.PHONY: test
test: test-room test-fast test-spark-browser test-stack ## All tests: unit tests, those with Spark and a browser, then the real stack

.PHONY: test-compose
test-compose: test-environment ## Build the images, run the pipeline on containers, look where its work was done, remove them
	@MARQUEE_GIT_COMMIT=$$(git -c safe.directory='*' describe --always --abbrev=40 --exclude='*' --dirty) $(PYTHON) -m pytest -q -m compose -s tests/compose

.PHONY: test-workflows
test-workflows: test-environment ## Run the workflows of .github on this machine by act: make test-workflows [TESTS="tests/audit"]
	@$(CONTROL) given TESTS
	$(call environment,workflows)
	@WORKFLOW_TESTS="$$TESTS" $(PYTHON) -m pytest -q -s -m workflows tests/workflows

.PHONY: test-deployments
test-deployments: test-environment ## Deploy good and bad versions under load, kill deployments at each step, and print what held
	@$(PYTHON) -m pytest -q -s -m deployments tests/infra_deploy

FAULTS_ENVIRONMENT := MARQUEE_TEST_INSTANCE=faults MARQUEE_TEST_PORT_OFFSET=11500 MARQUEE_TEST_RETRY_DELAY_SECONDS=20

.PHONY: faults
faults: test-environment ## Kill services, fill disks and cut the network under running pipelines, and print what held
	@$(FAULTS_ENVIRONMENT) $(PYTHON) -m pytest -q -s tests/faults tests/e2e/test_tasks_killed_in_a_backfill.py tests/e2e/test_stopped_tasks.py \
		tests/e2e/test_sentiment.py tests/e2e/test_movie_sentiment.py

NODE := MARQUEE_STATE='$(subst ','\'',$(STATE))' infra/deploy/kubernetes/node/node.sh

.PHONY: node-up
node-up: ## Build and start one real Kubernetes node on this machine, for tests
	@$(NODE) up

.PHONY: node-status
node-status: ## The node's pods
	@$(NODE) status

.PHONY: node-down
node-down: ## Stop the node; nothing is left running: make node-down [CONFIRM=yes], yes: delete its data too
	@$(CONTROL) given CONFIRM
	@$(NODE) $(if $(filter yes,$(value CONFIRM)),delete,down)

.PHONY: deploy-kubernetes
# The shells of old read a file that ENV names, so it is not handed on under that name.
deploy-kubernetes: export DEPLOY_ENV := $(value ENV)
deploy-kubernetes: ## Roll a version out to a cluster, undo it if it fails: make deploy-kubernetes ENV=staging VERSION=0.2.0 [REGISTRY=host/path]
	@$(CONTROL) given ENV=DEPLOY_ENV VERSION REGISTRY
	@python3 -X utf8 -Es -m infra.deploy.kubernetes.deploy --version="$$VERSION" $(if $(value REGISTRY),--registry="$$REGISTRY") -- "$$DEPLOY_ENV"

.PHONY: test-kubernetes
test-kubernetes: test-environment ## Start a node, deploy to it, break things under load, print what held, remove it
	@MARQUEE_TEST_KUBERNETES=yes MARQUEE_STATE='$(subst ','\'',$(STATE))' $(PYTHON) -m pytest -q -m kubernetes -s tests/kubernetes

CLUSTER := python3 -X utf8 -Es -m infra.deploy.machines

.PHONY: cluster-environment
cluster-environment: uv
	$(call environment,cluster)

.PHONY: cluster-up
cluster-up: cluster-environment ## Set up a cluster of machines, or bring it to this commit: make cluster-up [INVENTORY=vagrant]
	@$(CONTROL) given INVENTORY
	@$(CLUSTER) up -- "$${INVENTORY:-vagrant}"

.PHONY: cluster-status
cluster-status: cluster-environment ## The services of each machine of a cluster: make cluster-status [INVENTORY=vagrant]
	@$(CONTROL) given INVENTORY
	@$(CLUSTER) status -- "$${INVENTORY:-vagrant}"

.PHONY: cluster-run
cluster-run: cluster-environment ## Run the pipeline on a cluster and wait: make cluster-run [INVENTORY=vagrant]
	@$(CONTROL) given INVENTORY
	@$(CLUSTER) run -- "$${INVENTORY:-vagrant}"

.PHONY: cluster-test
cluster-test: cluster-environment ## Store data and run a job on a cluster, print what each worker did: make cluster-test [INVENTORY=vagrant]
	@$(CONTROL) given INVENTORY
	@$(CLUSTER) test -- "$${INVENTORY:-vagrant}"

.PHONY: cluster-add
cluster-add: cluster-environment ## Set a new worker of the inventory up, and give it its part: make cluster-add WORKER=worker3 [INVENTORY=vagrant]
	@$(CONTROL) given INVENTORY WORKER
	@$(CLUSTER) add -- "$${INVENTORY:-vagrant}" "$$WORKER"

.PHONY: cluster-remove
cluster-remove: cluster-environment ## Take a worker out, after its blocks were copied elsewhere: make cluster-remove WORKER=worker3 [INVENTORY=vagrant]
	@$(CONTROL) given INVENTORY WORKER
	@$(CLUSTER) remove -- "$${INVENTORY:-vagrant}" "$$WORKER"

.PHONY: cluster-replace
cluster-replace: cluster-environment ## Set a worker up whose machine or disk is a new one: make cluster-replace WORKER=worker2 [INVENTORY=vagrant]
	@$(CONTROL) given INVENTORY WORKER
	@$(CLUSTER) replace -- "$${INVENTORY:-vagrant}" "$$WORKER"

.PHONY: cluster-upgrade
cluster-upgrade: cluster-environment ## Bring a cluster to this commit, one machine after the other: make cluster-upgrade [INVENTORY=vagrant]
	@$(CONTROL) given INVENTORY
	@$(CLUSTER) upgrade -- "$${INVENTORY:-vagrant}"

.PHONY: cluster-down
cluster-down: cluster-environment ## Stop a cluster; machines keep their data, test containers are removed: make cluster-down [INVENTORY=vagrant]
	@$(CONTROL) given INVENTORY
	@$(CLUSTER) down -- "$${INVENTORY:-vagrant}"

.PHONY: test-cluster
test-cluster: test-environment cluster-environment ## Set a cluster up in containers with systemd, test it, remove it
	@MARQUEE_STATE='$(subst ','\'',$(STATE))' $(PYTHON) -m pytest -q -m cluster -s tests/machines

.PHONY: bench-serving
bench-serving: ## Load the API with wrk, against Flask's hello-world, and what it holds: make bench-serving [USERS=100000]
	@$(CONTROL) given USERS
	@PYTHONPATH=. $(PYTHON) tests/bench/serving_load.py --history $(STATE)/benches/serving.jsonl $(if $(value USERS),--users="$$USERS")
	@PYTHONPATH=. $(PYTHON) tests/bench/serving_memory.py

.PHONY: bench-engines
bench-engines: ## Compare mrjob, Spark and DuckDB on the running platform, and ids of text with integers: make bench-engines [ROWS="100000 1000000"]
	@$(CONTROL) given ROWS
	@$(CONTROL) exec -- $(PYTHON) tests/bench/engines.py run --results $(BENCH_RESULTS) $(if $(value ROWS),--rows $$ROWS)
	@$(PYTHON) tests/bench/engines.py report --results $(BENCH_RESULTS) --plot $(BENCH_RESULTS:.jsonl=.png)
	@$(PYTHON) tests/bench/own_data.py

.PHONY: bench-warehouse
bench-warehouse: ## From a folder to a validated warehouse on the running platform: make bench-warehouse [ROWS="1000000 25000000"]
	@$(CONTROL) given ROWS
	@$(CONTROL) exec -- sh -c 'PYTHONPATH=. exec "$$MARQUEE_PYTHON" tests/bench/warehouse_scale.py "$$@"' sh $(if $(value ROWS),--rows $$ROWS)

.PHONY: bench-pipeline
bench-pipeline: ## From the archive to what is live on the running platform, by task: make bench-pipeline [ROWS="1000000 10000000"]
	@$(CONTROL) given ROWS
	@$(CONTROL) exec -- sh -c 'PYTHONPATH=. exec "$$MARQUEE_PYTHON" tests/bench/pipeline_scale.py "$$@"' sh \
		--results $(PIPELINE_RESULTS) --sets $(STATE)/generated $(if $(value ROWS),--rows $$ROWS)
	@$(PYTHON) tests/bench/scale_report.py --results $(PIPELINE_RESULTS) --plot $(PIPELINE_RESULTS:.jsonl=.png)

.PHONY: lint
lint: test-environment lint-workflows lint-cluster ## ruff, mypy, sqlfluff, the words of code and pages, commit messages, workflows, playbooks
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy
	@$(PYTHON) -m sqlfluff lint hql
	@$(PYTHON) -m infra.audit.prose
	@$(PYTHON) -m infra.audit.commits

UV := $(SOFTWARE)/uv/bin/uv
LOCKED := --require-hashes --build-constraints requirements/build.txt

.PHONY: uv
uv:
	@$(CONTROL) preflight --tools
	@test -x $(UV) || $(CONTROL) install

# An environment of its own from requirements/NAME.txt, for programs that are no part of any runtime: $(call environment,NAME)
define environment
	@$(UV) venv -q --allow-existing --python python3 $(SOFTWARE)/$(1)-venv
	@$(UV) pip sync -q --python $(SOFTWARE)/$(1)-venv/bin/python $(LOCKED) requirements/$(1).txt
endef

ACTIONLINT := $(SOFTWARE)/actionlint/actionlint

# Go takes the versions of go.mod with the hashes of go.sum, and builds nothing where nothing changed.
.PHONY: lint-workflows
lint-workflows: uv
	$(call environment,workflows)
	@$(SOFTWARE)/workflows-venv/bin/zizmor --offline --no-progress --quiet .github
	@command -v go >/dev/null || { echo "lint: actionlint is built with Go, which is not installed. Install Go 1.25 or later." >&2; exit 1; }
	@go -C requirements/actionlint build -mod=readonly -o '$(abspath $(ACTIONLINT))' github.com/rhysd/actionlint/cmd/actionlint
	@$(ACTIONLINT) -shellcheck= -pyflakes=

# The cache of what ansible-lint reads goes to the state folder, and not next to the playbooks.
.PHONY: lint-cluster
lint-cluster: cluster-environment
	@cd infra/deploy/machines/ansible && PATH='$(abspath $(SOFTWARE))/cluster-venv/bin':"$$PATH" ANSIBLE_HOME='$(abspath $(STATE))/cache/ansible' \
		ansible-lint --offline -q --nocolor --profile production

.PHONY: audit
audit: uv ## Secrets in git, bills of materials (SBOM), known vulnerabilities: make audit [UNREACHABLE=warn]
	@$(CONTROL) given UNREACHABLE
	$(call environment,audit)
	@$(SOFTWARE)/audit-venv/bin/python -m infra.audit $(if $(value UNREACHABLE),--unreachable="$$UNREACHABLE")

.PHONY: audit-images
audit-images: uv ## Known vulnerabilities of the images of a commit: make audit-images [VERSION=commit] [UNREACHABLE=warn]
	@$(CONTROL) given VERSION UNREACHABLE
	$(call environment,audit)
	@$(SOFTWARE)/audit-venv/bin/python -m infra.audit.images $(VERSION_GIVEN) $(if $(value UNREACHABLE),--unreachable="$$UNREACHABLE")

.PHONY: secrets-baseline
secrets-baseline: uv ## Write .secrets.baseline again; check that its new entries are not secrets
	$(call environment,audit)
	@$(SOFTWARE)/audit-venv/bin/detect-secrets scan --no-verify --baseline .secrets.baseline

# A variable of another name, since bash keeps its own clock in SECONDS.
load-jmeter load load-reviews: export LOAD_SECONDS := $(or $(value SECONDS),60)

.PHONY: load
load: uv ## Load test of the running platform by locust: make load [USERS=40] [SECONDS=60]
	@$(CONTROL) given USERS SECONDS=LOAD_SECONDS
	$(call environment,load)
	@$(CONTROL) exec -- sh -c 'LOAD_REPORT="$$MARQUEE_INSTANCE_DIR/load.json" "$$MARQUEE_SOFTWARE/load-venv/bin/locust" \
		-f tests/load/locustfile.py --headless --only-summary --host "$$MARQUEE_GATEWAY_URL" \
		-u "$$1" -r 10 -t "$$2"s' sh "$${USERS:-40}" "$$LOAD_SECONDS"

.PHONY: load-reviews
load-reviews: uv ## Load test of the reviews service by locust: make load-reviews [USERS=40] [SECONDS=60]
	@$(CONTROL) given USERS SECONDS=LOAD_SECONDS
	$(call environment,load)
	@$(CONTROL) exec -- sh -c 'LOAD_REPORT="$$MARQUEE_INSTANCE_DIR/load-reviews.json" "$$MARQUEE_SOFTWARE/load-venv/bin/locust" \
		-f tests/load/reviews_locustfile.py --headless --only-summary --host "$$MARQUEE_GATEWAY_URL" \
		-u "$$1" -r 10 -t "$$2"s' sh "$${USERS:-40}" "$$LOAD_SECONDS"

.PHONY: load-jmeter
load-jmeter: ## The same scenario by JMeter, headless: make load-jmeter [SECONDS=60]
	@$(CONTROL) given SECONDS=LOAD_SECONDS
	@$(CONTROL) exec -- sh -c 'mvn -B -C -ntp -f tests/load/pom.xml clean verify -Doutput="$$MARQUEE_INSTANCE_DIR/jmeter" \
		-Dport="$$MARQUEE_GATEWAY_PORT" -Dseconds="$$1"' sh "$$LOAD_SECONDS"

.PHONY: postman
postman: ## Make a Postman collection of the three APIs and run it against the running platform by newman
	@npm ci --silent --prefix tests/postman
	@$(CONTROL) exec -- sh -c 'node tests/postman/postman.mjs "$$MARQUEE_GATEWAY_URL" "$$MARQUEE_INSTANCE_DIR/postman"'

# BLAS threads only get in one another's way on matrices of this size.
BENCH = PYTHONPATH=spark_jobs OPENBLAS_NUM_THREADS=1 $(PYTHON)
RECBOLE = $(STATE)/cache/recbole

.PHONY: bench-quality
bench-quality: test-environment ## The published ML-100K benchmark, five seeds, with the published rows
	@test -d $(RECBOLE) || $(UV) pip install -q --no-deps $(LOCKED) \
		--python $(PYTHON) --target $(RECBOLE) --requirements requirements/bench.txt
	@$(BENCH) tests/bench/quality.py --inter $(RECBOLE)/recbole/dataset_example/ml-100k/ml-100k.inter

.PHONY: bench-splits
bench-splits: test-environment ## The model on a random split and on each user's last ratings: make bench-splits [SEEDS="1 2 3 4 5"]
	@$(CONTROL) given SEEDS
	@PYTHONPATH=spark_jobs:dags:. OPENBLAS_NUM_THREADS=1 $(PYTHON) tests/bench/other_splits.py $(if $(value SEEDS),--seeds $$SEEDS)

.PHONY: bench-ml-1m
bench-ml-1m: test-environment ## ALS and EASE on MovieLens 1M by RecBole's protocol: make bench-ml-1m ARCHIVE=ml-1m.zip [SEEDS="1 2 3"]
	@$(CONTROL) given ARCHIVE SEEDS
	@$(BENCH) tests/bench/ml_1m.py --archive="$$ARCHIVE" $(if $(value SEEDS),--seeds $$SEEDS)

.PHONY: bench-lists
bench-lists: test-environment ## Calibrated genres and a cap on one series: what they cost and bring
	@PYTHONPATH=spark_jobs:dags:. OPENBLAS_NUM_THREADS=1 $(PYTHON) tests/bench/list_rules.py

.PHONY: bench-topn
bench-topn: test-environment ## Top-N lists: this project's kernel in Spark, plain NumPy, recommendForAllUsers
	@$(BENCH) tests/bench/topn.py

.PHONY: bench-train
bench-train: test-environment ## ALS: CPU seconds and nDCG against the package implicit
	@$(BENCH) tests/bench/als_training_time.py

.PHONY: bench-scale
bench-scale: test-environment ## Training and lists without daemons, the same bytes: make bench-scale [ROWS="1000000 10000000"] [EXECUTORS="1 2 4"]
	@$(CONTROL) given ROWS EXECUTORS
	@$(BENCH) tests/bench/training_scale.py --results $(TRAINING_RESULTS) \
		$(if $(value ROWS),--rows $$ROWS) $(if $(value EXECUTORS),--executors $$EXECUTORS)
	@$(PYTHON) tests/bench/scale_report.py --results $(TRAINING_RESULTS) --plot $(TRAINING_RESULTS:.jsonl=.png)

.PHONY: bench-sentiment-quality
bench-sentiment-quality: test-environment ## The sentiment recipes next to the plain recipe: make bench-sentiment-quality [SETS="sentences reviews korean"]
	@$(CONTROL) given SETS
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(PYTHON) tests/bench/sentiment_quality.py $(if $(value SETS),$$SETS)

.PHONY: bench-sentiment
bench-sentiment: test-environment ## The reviews service under wrk, batches and jobs, against FastAPI's hello-world and scikit-learn
	@OPENBLAS_NUM_THREADS=1 PYTHONPATH=. $(PYTHON) tests/bench/sentiment_load.py --folder $(STATE)/cache/bench-sentiment --history $(STATE)/benches/sentiment.jsonl

.PHONY: bench-settings
bench-settings: test-environment ## What each choice in training buys, with and without it
	@$(BENCH) tests/bench/training_settings.py

VERSION_GIVEN = $(if $(value VERSION),--version="$$VERSION")

.PHONY: package
package: ## The files of a commit with a signed manifest of their digests: make package [VERSION=commit]
	@$(CONTROL) given VERSION
	@python3 -m infra.release package $(or $(VERSION_GIVEN),--version=HEAD)

.PHONY: images
images: ## Build the images of a commit by buildah, the same digests each time, and sign these: make images [VERSION=commit]
	@$(CONTROL) given VERSION
	@python3 -m infra.release images $(or $(VERSION_GIVEN),--version=HEAD)

.PHONY: publish-images
publish-images: ## Copy a commit's images to a registry and compare the digests: make publish-images REGISTRY=host:port [VERSION=commit]
	@$(CONTROL) given REGISTRY VERSION
	@python3 -m infra.release publish --registry="$$REGISTRY" $(or $(VERSION_GIVEN),--version=HEAD)

.PHONY: release
release: ## Work through the checklist of a release; DRY_RUN=no tags it: make release VERSION=0.2.0 [DRY_RUN=no]
	@$(CONTROL) given VERSION DRY_RUN
	@python3 -m infra.release release --version="$$VERSION" $(if $(filter no,$(value DRY_RUN)),--dry-run=no)

# Bash reads the file that ENV names.
deploy rollback-deploy stop-deployment: export DEPLOY_ENVIRONMENT := $(value ENV)

.PHONY: deploy
deploy: ## Bring a package to staging or production, or back where it fails: make deploy ENV=staging [VERSION=commit] [REASON=why]
	@$(CONTROL) given ENV=DEPLOY_ENVIRONMENT VERSION REASON
	@python3 -m infra.deploy.environments deploy --environment="$$DEPLOY_ENVIRONMENT" $(VERSION_GIVEN) $(REASON_GIVEN)

.PHONY: rollback-deploy
rollback-deploy: ## Go back to the version that was live before: make rollback-deploy ENV=staging [REASON=why]
	@$(CONTROL) given ENV=DEPLOY_ENVIRONMENT REASON
	@python3 -m infra.deploy.environments rollback --environment="$$DEPLOY_ENVIRONMENT" $(REASON_GIVEN)

.PHONY: stop-deployment
stop-deployment: ## Stop all of an environment and keep its data: make stop-deployment ENV=staging
	@$(CONTROL) given ENV=DEPLOY_ENVIRONMENT
	@python3 -m infra.deploy.environments stop --environment="$$DEPLOY_ENVIRONMENT"

.PHONY: hooks
hooks: test-environment ## Put git's hooks in place: checks before a commit, fast tests of what changed before a push
	@$(SOFTWARE)/venv/bin/pre-commit install
	@python3 -m infra.hooks.install

.PHONY: bare-repository
bare-repository: ## Make a bare repository that deploys pushes to main to staging: make bare-repository FOLDER=folder
	@$(CONTROL) given FOLDER
	@python3 -m infra.hooks.install --bare-repository="$$FOLDER"

.PHONY: deployments
deployments: ## List who deployed what, when, where, why, and how it ended
	@python3 -m infra.deploy.environments list

UV_LOCK = $(UV) pip compile -q --python-version 3.11 \
	--python-platform x86_64-manylinux_2_28 --generate-hashes --override requirements/overrides.txt \
	--custom-compile-command "make lock" $(if $(filter yes,$(value UPGRADE)),--upgrade)

.PHONY: lock
lock: uv ## Write requirements/*.txt from requirements/*.in: make lock [UPGRADE=yes]
	@$(CONTROL) given UPGRADE
	$(UV_LOCK) requirements/bootstrap.in -o requirements/bootstrap.txt
	$(UV_LOCK) requirements/build.in -o requirements/build.txt
	$(UV_LOCK) requirements/platform.in -o requirements/platform.txt
	$(UV_LOCK) requirements/serving.in -o requirements/serving.txt
	$(UV_LOCK) -c requirements/serving.txt -c requirements/platform.txt requirements/accounts.in -o requirements/accounts.txt
	$(UV_LOCK) -c requirements/platform.txt requirements/sentiment.in -o requirements/sentiment.txt
	$(UV_LOCK) -c requirements/platform.txt -c requirements/accounts.txt requirements/reviews.in -o requirements/reviews.txt
	$(UV_LOCK) requirements/load.in -o requirements/load.txt
	$(UV_LOCK) requirements/audit.in -o requirements/audit.txt
	$(UV_LOCK) requirements/workflows.in -o requirements/workflows.txt
	$(UV_LOCK) requirements/cluster.in -o requirements/cluster.txt
	$(UV_LOCK) --no-deps requirements/bench.in -o requirements/bench.txt
	$(UV_LOCK) -c requirements/platform.txt -c requirements/serving.txt -c requirements/accounts.txt -c requirements/reviews.txt requirements/dev.in -o requirements/dev.txt

.PHONY: lock-jars
lock-jars: ## Write requirements/jars.sha256 from what Maven fetched (with MARQUEE_MONITORING=yes)
	@$(CONTROL) state >/dev/null
	cd $(SOFTWARE) && find hadoop/lib hadoop/web hive/lib hive/beeline hive/metastore monitoring -type f ! -name '*.pom' \
		| LC_ALL=C sort | xargs -d '\n' sha256sum > $(CURDIR)/requirements/jars.sha256
endif
