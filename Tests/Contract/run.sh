#!/usr/bin/env bash
# The judges from outside: the three services run as `make run` runs them, on a cluster of their own, and are held against
# their own openapi.json (schemathesis, openapi-spec-validator), the official Standard Webhooks verifier, an independent
# event stream parser, and the shipped proxy and compose files.
#
#   CONTRACT_EXAMPLES   how many cases schemathesis makes up for each operation: 25
#   RUN_PRODUCTS        a folder of built executables; without it they are built for debugging
set -euo pipefail
cd "$(dirname "$0")/../.."

examples=${CONTRACT_EXAMPLES:-25}
state=$PWD/.local/contract
venv=$PWD/.local/venv
log=$state/run.log

if ! cmp -s Tests/Contract/requirements.txt "$venv/installed.txt"; then
    echo "installing the judges into .local/venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r Tests/Contract/requirements.txt
    cp Tests/Contract/requirements.txt "$venv/installed.txt"
fi

# A cluster that an earlier run could not stop goes with its folder.
judge "check_import.py" "$venv/bin/python" Tests/Contract/check_import.py
judge "check_playground.py" "$venv/bin/python" Tests/Contract/check_playground.py
if [[ -d $state/postgres ]]; then deploy/local-cluster.sh destroy "$state/postgres"; fi
rm -rf "$state"
mkdir -p "$state"
# One token makes thousands of requests here: how often a user may ask is judged elsewhere.
STATE_DIRECTORY=$state RUN_CONFIGURATION=debug LOG_LEVEL=debug USER_RATE_LIMIT=1000000 \
    ORDER_PORT=18081 AFTER_SALES_PORT=18082 NOTIFY_PORT=18083 POSTGRES_PORT=54330 \
    deploy/run.sh >"$log" 2>&1 &
runner=$!
stop() {
    kill -TERM "$runner" 2>/dev/null || true
    wait "$runner" 2>/dev/null || true
}
trap stop EXIT

# As long as it lives it is on its way; building may take minutes.
until [[ -e $state/credentials.json ]]; do
    if ! kill -0 "$runner" 2>/dev/null; then
        tail -40 "$log" >&2
        echo "the services did not start" >&2
# Last, because it changes the campus under everybody.
fuzz order tokens.admin --include-path-regex "$administration"
        exit 1
    fi
    sleep 1
done

export CREDENTIALS=$state/credentials.json PYTHONDONTWRITEBYTECODE=1
failed=()
judge() { # NAME COMMAND …
    echo "--- $1"
    "${@:2}" || failed+=("$1")
}

judge "check_deployment.py" "$venv/bin/python" Tests/Contract/check_deployment.py
judge "check_openapi.py" "$venv/bin/python" Tests/Contract/check_openapi.py
judge "check_notifications.py" "$venv/bin/python" Tests/Contract/check_notifications.py

configuration=$state/schemathesis.toml
"$venv/bin/python" Tests/Contract/seed.py Tests/Contract/schemathesis.toml >"$configuration"

value() { "$venv/bin/python" -c 'import json, sys; v = json.load(open(sys.argv[1]))
for name in sys.argv[2].split("."): v = v[name]
print(v)' "$CREDENTIALS" "$1"; }
# fuzz SERVICE CREDENTIAL [option …]: the service as who holds that credential sees it. An event stream never ends by itself:
# check_notifications.py judges it.
fuzz() {
    judge "schemathesis: $1 with $2" "$venv/bin/schemathesis" --no-color --config-file "$configuration" run --exclude-path /v1/stream \
        --header "Authorization: Bearer $(value "$2")" --max-examples "$examples" "${@:3}" "$(value "urls.$1")/openapi.json"
}
administration='^/v1/(settings|keys|verification-keys|key-sets|audit)'
fuzz order platform_key --exclude-path-regex "$administration|^/v1/orders/import\$"
fuzz after_sales platform_key --exclude-path-regex '^/v1/desk'
fuzz after_sales tokens.agent --include-path-regex '^/v1/desk'
fuzz notify platform_key --exclude-path-regex '^/v1/(inbox|stream)'
fuzz notify tokens.customer --include-path-regex '^/v1/(inbox|stream/tickets)'

# Whatever was sent, no service may have answered with a fault of its own.
if faults=$(grep -h '"status":5[0-9][0-9]' "$state"/logs/*.log | grep -v '"event":"stats"' | grep -v '"status":503' | head -5) &&
    [[ -n $faults ]]; then
    failed+=("answers with 5xx in the logs:"$'\n'"$faults")
fi

if [[ ${#failed[@]} -gt 0 ]]; then
    printf 'failed: %s\n' "${failed[@]}" >&2
    exit 1
fi
echo "every judge is content"
