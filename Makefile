# Each target is enough alone on a machine that has the Swift toolchain, git and a package manager.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# The system tests play whole lunches on the real executables: they have a target of their own.
SUITES ?= $(filter-out SystemTests,$(notdir $(patsubst %/,%,$(wildcard Tests/*Tests/))))
.PHONY: help run demo test lint unit system contract alerts platform documents bench format clean

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Build and run the three services on a private Postgres under .local/, until Ctrl-C
	@exec deploy/run.sh

demo: ## Beside a running `make run`: play a canteen lunch on it and reckon it up (DEMO="--orders 50 --seed 7")
	@exec deploy/demo.sh $(DEMO)

test: ## Everything: lint, unit, store, HTTP and crash tests, whole lunches on real processes, outside judges
	@deploy/setup.sh test
	@$(MAKE) --no-print-directory lint unit system contract alerts platform

lint: ## Formatting and style, strictly
	swift format lint --strict --parallel --recursive Sources Tests Package.swift

# One suite after the other: within a suite tests run in parallel, and several that measure time at once would starve each other.
unit: ## Every Swift suite but the system tests (SUITES="PostgresTests EventLogTests")
	@deploy/setup.sh test
	swift build --build-tests
	@failed=; for suite in $(SUITES); do \
		echo "--- $$suite"; swift test --skip-build --filter "^$$suite\\." || failed+=" $$suite"; \
	done; if [ -n "$$failed" ]; then echo "failed:$$failed" >&2; exit 1; fi

system: ## The real executables: lunches that add up through kills and restarts, commands, logs, the README's tour
	@$(MAKE) --no-print-directory unit SUITES=SystemTests

contract: ## schemathesis and other outside judges against the three running services
	@deploy/setup.sh test
	@exec Tests/Contract/run.sh

alerts: ## Each alert rule of deploy/alerts: silent over a healthy lunch, and heard once its trouble is made
	@deploy/setup.sh test
	@exec Tests/Contract/alerts.sh

platform: ## A platform in Python, by the documents alone: 500 orders, kills, lost webhooks, refunds it pays; both books agree
	@deploy/setup.sh test
	@exec Tests/Platform/run.sh

documents: ## Write what comes from the code in docs/integrate/ anew: OpenAPI, errors, events, Postman collection
	@for product in OrderService AfterSalesService NotifyService; do swift build --product $$product; done
	@exec deploy/documents/write.py

bench: ## Each figure beside its limit, in one run, release build (BENCH="--seconds 10 --only fan-out")
	@deploy/setup.sh bench
	@exec deploy/bench.sh $(BENCH)

format: ## Rewrite the sources as the linter wants them
	swift format --in-place --parallel --recursive Sources Tests Package.swift

clean: ## Remove what was built and the private cluster with its data
	@for cluster in .local/postgres .local/*/postgres; do \
		if [ -d $$cluster ]; then deploy/local-cluster.sh destroy $$cluster; fi; \
	done
	rm -rf .build .local
