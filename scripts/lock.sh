#!/usr/bin/env bash
# Writes the lock files anew from pyproject.toml: pinned versions with the hashes of every published file.
# `scripts/lock.sh --upgrade` takes the newest versions that pyproject.toml allows.
set -euo pipefail
cd "$(dirname "$0")/.."

compile() { # compile FILE OPTION...
  local target=$1
  shift
  .venv/bin/uv pip compile --quiet --generate-hashes --python-version 3.11 --no-emit-index-url \
    --no-annotate --custom-compile-command "make lock" --output-file "$target" "$@"
}

compile requirements.lock pyproject.toml --extra client --group build "$@"
compile requirements-dev.lock pyproject.toml --extra test --extra lint --extra docs \
  --group build --group lock --constraint requirements.lock "$@"
compile requirements-node.lock --group node "$@"
