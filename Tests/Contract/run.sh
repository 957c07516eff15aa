#!/usr/bin/env bash
# The judges from outside: the three services run as `make run` runs them, on a cluster of their own, and are held against
# their own openapi.json (schemathesis, openapi-spec-validator), the official Standard Webhooks verifier, an independent
# event stream parser, clients that generators make of the documents, the documents themselves, a real nginx with the shipped
# proxy file, and the shipped compose files.
#
#   CONTRACT_EXAMPLES   how many cases schemathesis makes up for each operation: 25
set -euo pipefail
cd "$(dirname "$0")/../.."

source Tests/Contract/platform.sh

examples=${CONTRACT_EXAMPLES:-25}

install_judges
# One token makes thousands of requests here: how often a user may ask is judged elsewhere.
start_platform "$PWD/.local/contract" 18081 18082 18083 54330 LOG_LEVEL=debug USER_RATE_LIMIT=1000000

judge "documents" "$venv/bin/python" deploy/documents/write.py --products "$products" --check
judge "check_documents.py" "$venv/bin/python" Tests/Contract/check_documents.py
judge "check_clients.py" "$venv/bin/python" Tests/Contract/check_clients.py
judge "check_deployment.py" "$venv/bin/python" Tests/Contract/check_deployment.py
judge "check_proxy.py" "$venv/bin/python" Tests/Contract/check_proxy.py
judge "check_openapi.py" "$venv/bin/python" Tests/Contract/check_openapi.py
judge "check_notifications.py" "$venv/bin/python" Tests/Contract/check_notifications.py
judge "check_import.py" "$venv/bin/python" Tests/Contract/check_import.py
judge "check_playground.py" "$venv/bin/python" Tests/Contract/check_playground.py

configuration=$state/schemathesis.toml
"$venv/bin/python" Tests/Contract/seed.py Tests/Contract/schemathesis.toml >"$configuration"

value() { "$venv/bin/python" -c 'import json, sys; v = json.load(open(sys.argv[1]))
for name in sys.argv[2].split("."): v = v[name]
print(v)' "$CREDENTIALS" "$1"; }
# fuzz SERVICE CREDENTIAL [option …]: the service as who holds that credential sees it. An event stream never ends by itself, and lines
# are no JSON: check_notifications.py and check_import.py judge them.
fuzz() {
    judge "schemathesis: $1 with $2" "$venv/bin/schemathesis" --no-color --config-file "$configuration" run --exclude-path /v1/stream \
        --header "Authorization: Bearer $(value "$2")" --max-examples "$examples" "${@:3}" "$(value "urls.$1")/openapi.json"
}
administration='^/v1/(settings|keys|verification-keys|key-sets|audit)'
# Only operators issue the key of a platform that makes campuses.
MIGRATION_DATABASE_URL=$(value database_url) "$products/OrderService" key issue --campus "$(value campus)" --name maker \
    --scope campuses:create --scope orders:read >"$state/maker.key"
"$venv/bin/python" - "$CREDENTIALS" "$state/maker.key" <<'PYTHON'
import json, pathlib, sys
credentials, key = map(pathlib.Path, sys.argv[1:])
credentials.write_text(json.dumps({**json.loads(credentials.read_text()), "maker_key": key.read_text().strip()}))
PYTHON
fuzz order platform_key --exclude-path-regex "$administration|^/v1/campuses|^/v1/orders/import\$"
fuzz order maker_key --include-path-regex '^/v1/campuses'
fuzz after_sales platform_key --exclude-path-regex '^/v1/desk'
fuzz after_sales tokens.agent --include-path-regex '^/v1/desk'
fuzz notify platform_key --exclude-path-regex '^/v1/(inbox|stream)'
fuzz notify tokens.customer --include-path-regex '^/v1/(inbox|stream/tickets)'
# Last, because it changes the campus under everybody.
fuzz order tokens.admin --include-path-regex "$administration"

# Whatever was sent, no service may have answered with a fault of its own.
if faults=$(grep -h '"status":5[0-9][0-9]' "$state"/logs/*.log | grep -v '"event":"stats"' | grep -v '"status":503' | head -5) &&
    [[ -n $faults ]]; then
    failed+=("answers with 5xx in the logs:"$'\n'"$faults")
fi

conclude
