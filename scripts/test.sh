#!/usr/bin/env bash
# All tests: once on SQLite, then on PostgreSQL whatever touches the database. Set-up is done by `make test`.
# Arguments go to pytest. Ends with pytest's summary line; fails if either run failed.
set -uo pipefail
cd "$(dirname "$0")/.."
status=0
no_database=(--ignore=tests/contract --ignore=tests/docs --ignore=tests/images --ignore=tests/local_net --ignore=tests/local_qemu)
unset DATABASE_URL SYNNEFO_DATA

echo "== SQLite: everything"
.venv/bin/pytest -m "not slow" "$@" || status=$?

echo "== PostgreSQL: what touches the database, and a whole cloud"
scripts/with_postgresql.sh .venv/bin/pytest -m "not slow and (not host or e2e)" "${no_database[@]}" "$@" || status=$?

exit $status
