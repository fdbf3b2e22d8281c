#!/usr/bin/env bash
# Other projects' own tests on clouds of their own: OpenStack's tempest (identity, object storage) and Swift's
# functional tests. Prints what passed, failed and was skipped, and fails where that is not what is to be
# expected. Arguments go to tempest alone, for example `object_storage --include-list FILE`.
# Set-up is done by `make interop`.
set -uo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python
if (($#)); then
    exec "$python" -m interop.tempest "$@"
fi
failed=0
"$python" -m interop.tempest identity || failed=1
"$python" -m interop.tempest object_storage || failed=1
"$python" -m interop.swift || failed=1
exit "$failed"
