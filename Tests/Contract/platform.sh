# What the judges share: their tools, and the three services as `make run` runs them, on a cluster of their own. To be sourced from
# the root of the sources.
#
#   RUN_PRODUCTS        a folder of built executables; without it they are built for debugging
venv=$PWD/.local/venv

# The judges' own packages, pinned; installed once for each list of them.
install_judges() {
    cmp -s Tests/Contract/requirements.txt "$venv/installed.txt" && return
    echo "installing the judges into .local/venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r Tests/Contract/requirements.txt
    cp Tests/Contract/requirements.txt "$venv/installed.txt"
}

# start_platform STATE ORDER_PORT AFTER_SALES_PORT NOTIFY_PORT POSTGRES_PORT [NAME=VALUE …]: until this script ends.
# Sets CREDENTIALS and products for what follows.
start_platform() {
    state=$1
    local log=$1/run.log
    # A cluster that an earlier run could not stop goes with its folder.
    if [[ -d $state/postgres ]]; then deploy/local-cluster.sh destroy "$state/postgres"; fi
    rm -rf "$state"
    mkdir -p "$state"
    env "${@:6}" STATE_DIRECTORY="$state" RUN_CONFIGURATION=debug \
        ORDER_PORT="$2" AFTER_SALES_PORT="$3" NOTIFY_PORT="$4" POSTGRES_PORT="$5" \
        deploy/run.sh >"$log" 2>&1 &
    runner=$!
    trap stop_platform EXIT
    # As long as it lives it is on its way; building may take minutes.
    until [[ -e $state/credentials.json ]]; do
        if ! kill -0 "$runner" 2>/dev/null; then
            tail -40 "$log" >&2
            echo "the services did not start" >&2
            exit 1
        fi
        sleep 1
    done
    products=$(<"$state/products")
    export CREDENTIALS=$state/credentials.json PYTHONDONTWRITEBYTECODE=1
}
stop_platform() {
    kill -TERM "$runner" 2>/dev/null || true
    wait "$runner" 2>/dev/null || true
}

failed=()
judge() { # NAME COMMAND …
    echo "--- $1"
    "${@:2}" || failed+=("$1")
}
# The judgement.
conclude() {
    if [[ ${#failed[@]} -gt 0 ]]; then
        printf 'failed: %s\n' "${failed[@]}" >&2
        exit 1
    fi
    echo "every judge is content"
}
