#!/usr/bin/env bash
# All tests: once on SQLite, then on PostgreSQL whatever touches the database. Set-up is done by `make test`.
# What makes networks or machines runs one by one; the rest, browsers included, in a process for each core.
# Arguments go to pytest. Ends with pytest's summary line; fails if any run failed.
set -uo pipefail
cd "$(dirname "$0")/.."
status=0
parallel=(-n auto --dist loadfile --no-loadscope-reorder) # in order: files with few tests are no quick ones
no_database=(--ignore=tests/contract --ignore=tests/docs --ignore=tests/images --ignore=tests/local_net --ignore=tests/local_qemu)
one_database=(--ignore=tests/e2e/test_browser.py --ignore=tests/e2e/test_images.py --ignore=tests/e2e/test_isolation.py --ignore=tests/e2e/test_machine.py)
unset DATABASE_URL SYNNEFO_DATA

run() { # run WORDS COMMAND...
  echo "== $1"
  shift
  "$@"
  local code=$?
  [ $code = 0 ] || [ $code = 5 ] || status=$code # 5: the arguments picked none of these
}

run "SQLite: rules, APIs, pages in browsers" .venv/bin/pytest "${parallel[@]}" -m "not slow and (not host or browser)" "$@"
run "SQLite: engines, networks, processes, whole clouds" .venv/bin/pytest -m "not slow and host and not browser" "$@"
run "PostgreSQL: what touches the database" scripts/with_postgresql.sh \
  .venv/bin/pytest "${parallel[@]}" -m "not slow and not host" "${no_database[@]}" "$@"
run "PostgreSQL: a whole cloud" scripts/with_postgresql.sh \
  .venv/bin/pytest -m "not slow and e2e" "${one_database[@]}" "$@"

exit $status
