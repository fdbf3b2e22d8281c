#!/usr/bin/env bash
# Other projects' own tests on clouds of their own: OpenStack's tempest and Swift's functional tests; and what
# unmodified clients do: the openstack commands, kamaki where there is a CPython 2.7, Libcloud, Ansible. Prints what
# passed, failed and was skipped, and fails where that is not what is to be expected. With SYNNEFO_WRITE=1 the tables
# of docs/clients.md are made anew. Arguments go to tempest alone, for example `object_storage --include-list FILE`.
# Set-up is done by `make interop`.
set -uo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python
if (($#)); then
    exec "$python" -m interop.tempest "$@"
fi
written=(${SYNNEFO_WRITE:+--write docs/clients.md})
failed=0
for suite in identity object_storage image network volume compute; do
    "$python" -m interop.tempest "$suite" "${written[@]}" || failed=1
done
"$python" -m interop.swift || failed=1
for clients in commands kamaki clients; do
    "$python" -m "interop.$clients" "${written[@]}" || failed=1
done
exit "$failed"
