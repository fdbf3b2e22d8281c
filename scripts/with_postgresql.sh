#!/usr/bin/env bash
# Runs a command with DATABASE_URL naming a throw-away PostgreSQL cluster: unix socket only, gone afterwards,
# and not durable unless POSTGRESQL_SETTINGS says otherwise. Other clusters of the machine are not touched.
set -euo pipefail

settings=${POSTGRESQL_SETTINGS-"-c fsync=off -c synchronous_commit=off -c full_page_writes=off"}
programs=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin | sort -V | tail -n 1)
place=$(mktemp -d /tmp/synnefo-postgresql.XXXXXX)
as_owner=()
if [ "$(id -u)" = 0 ]; then # PostgreSQL refuses to run as root
  chown postgres "$place"
  chmod 711 "$place"
  as_owner=(runuser -u postgres --)
fi

stop() {
  "${as_owner[@]}" "$programs/pg_ctl" -D "$place/data" -m immediate -w stop >/dev/null 2>&1 || true
  rm -rf "$place"
}
trap stop EXIT

cd "$place"
"${as_owner[@]}" "$programs/initdb" -D "$place/data" -U synnefo -A trust -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null
"${as_owner[@]}" "$programs/pg_ctl" -D "$place/data" -l "$place/log" -w start >/dev/null -o \
  "-c listen_addresses='' -k $place -c max_connections=300 $settings"
"${as_owner[@]}" "$programs/createdb" -h "$place" -U synnefo synnefo
cd "$OLDPWD"

DATABASE_URL="postgresql://synnefo@/synnefo?host=$place" "$@"
