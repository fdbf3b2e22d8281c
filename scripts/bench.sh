#!/usr/bin/env bash
# The figures of bench/, on SQLite and on a PostgreSQL that is as durable as in production.
# Figures go to standard output. Arguments name programs: scripts/bench.sh tokens
set -euo pipefail
cd "$(dirname "$0")/.."

command -v wrk >/dev/null || {
  [ "$(id -u)" = 0 ] || { echo "bench: run this first: sudo apt-get install wrk" >&2; exit 1; }
  DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 install -y wrk </dev/null >&2
}
[ $# -gt 0 ] || set -- tokens peers.keystone listing creating charging objects whole

for program in "$@"; do
  .venv/bin/python -m "bench.$program"
  POSTGRESQL_SETTINGS="" scripts/with_postgresql.sh .venv/bin/python -m "bench.$program"
done
