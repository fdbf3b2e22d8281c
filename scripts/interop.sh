#!/usr/bin/env bash
# OpenStack's own tests of interoperability (tempest, identity) on a cloud of their own: prints what passed and what
# failed, and fails if that is not what interop/known.toml says. Arguments go to the program, for example
# --include-list FILE. Set-up is done by `make interop`.
set -euo pipefail
cd "$(dirname "$0")/.."
exec .venv/bin/python -m interop.tempest "$@"
