# The commands of this repository. `make help` lists them.
SHELL := bash
SECONDS ?= 60
.DELETE_ON_ERROR:
.PHONY: help run setup check test faults fuzz lint bench generate audit

help: ## List the commands
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | column -t -s "$$(printf '\t')"

run: ## Start both services on SQLite files under .vestibule
	cargo run -- up

setup: ## Install what the tests need, where it is missing
	scripts/setup

check: ## Check quickly: formatting, lints, and the tests that need no server
	scripts/check

test: ## Run every test: unit, store (both engines), end to end, browser, clients
	scripts/test

faults: setup ## Let 1,000 random faults happen to each transport, and write the report into docs/reliability.md
	scripts/faults

fuzz: setup ## Run every parser under a fuzzer that coverage guides, for SECONDS=60 each
	SECONDS_EACH=$(SECONDS) scripts/fuzz

lint: ## Check formatting, lints and scripts
	scripts/lint

bench: setup ## Measure, and write the figures into docs/benchmarks.md
	scripts/bench

generate: ## Write again what is generated from the code
	scripts/generate

audit: ## Check licences, sources and bans of every dependency (installs cargo-deny at first)
	scripts/audit
