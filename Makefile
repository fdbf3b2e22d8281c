# Every target sets up what it needs; all are safe to run again.
.DEFAULT_GOAL := help
.PHONY: help up down test lint types contract crash soak bench interop docs lock develop
SHELL := /bin/bash
BIN := .venv/bin
export SYNNEFO_DATA ?= $(CURDIR)/var

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## set everything up and run the cloud: prints the URL, the login and what to try
	@scripts/setup.sh run
	@exec $(BIN)/synnefo up

down: ## stop the cloud and its virtual machines; nothing is lost, `make up` resumes
	@test ! -x $(BIN)/synnefo || exec $(BIN)/synnefo down

test: ## all tests, on SQLite and on PostgreSQL (PYTEST_ARGS="-k name" picks some)
	@scripts/setup.sh develop
	@exec scripts/test.sh $(PYTEST_ARGS)

lint: develop ## ruff, formatting, import arrows, forgotten migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/snf-manage makemigrations --check --dry-run

types: develop ## mypy
	$(BIN)/mypy

contract: develop ## the backends' contract: memory, QEMU on this machine, a real Ganeti cluster
	$(BIN)/pytest tests/contract

crash: develop ## kill real dispatchers at every step of every operation, with real QEMU (long)
	SYNNEFO_CRASH=all $(BIN)/pytest tests/crash

soak: develop ## 200 servers that come and go, and one that lives any life, with real QEMU (long)
	SYNNEFO_SOAK=200 $(BIN)/pytest tests/operations/test_life_machine.py
	$(BIN)/pytest -m slow tests/soak

bench: develop ## measure, on SQLite and PostgreSQL
	@exec scripts/bench.sh

interop: develop ## other projects' tests and clients (tempest, Swift, openstack, Libcloud, Ansible) on clouds of their own (long)
	@exec scripts/interop.sh

docs: develop ## the documentation, into docs/_build/html
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html

lock: develop ## write the lock files anew from pyproject.toml
	@exec scripts/lock.sh

develop:
	@scripts/setup.sh develop
