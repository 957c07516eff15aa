#!/usr/bin/env bash
# The whole platform on one machine, until Ctrl-C: what `make run` does.
#
# Installs what is missing, builds, starts a private PostgreSQL under .local/ (or uses DATABASE_URL), migrates, starts the
# three services, seeds the test campus `demo`, and writes .local/credentials.json.
#
#   ORDER_PORT, AFTER_SALES_PORT, NOTIFY_PORT, POSTGRES_PORT   where they listen: 8081, 8082, 8083, 54320
#   DATABASE_URL                                               a database of your own: an owner's URL, used instead
#   RUN_CONFIGURATION                                          release (the default) or debug
#   RUN_PRODUCTS                                               a folder of built executables: nothing is built then
#   STATE_DIRECTORY                                            where the cluster, logs and credentials are kept: .local
#   LOG_LEVEL                                                  passed on to the services; their logs are in .local/logs/
set -euo pipefail
cd "$(dirname "$0")/.."

configuration=${RUN_CONFIGURATION:-release}
order_port=${ORDER_PORT:-8081}
after_sales_port=${AFTER_SALES_PORT:-8082}
notify_port=${NOTIFY_PORT:-8083}
postgres_port=${POSTGRES_PORT:-54320}
state=${STATE_DIRECTORY:-$PWD/.local}
logs=$state/logs
products=${RUN_PRODUCTS:-$PWD/.build/$configuration}
campus=demo

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
fail() {
    printf 'make run: %s\n' "$*" >&2
    exit 1
}

services=()      # names, in the order they were started
service_pids=()  # their process ids
owns_cluster=false

# As the services' own requests go: to this machine, whatever proxy is set for the rest of the world.
ask() { curl -fsS --noproxy '*' -o /dev/null --max-time 2 "$@" 2>/dev/null; }

# Stops what was started, last first, and waits for each; services leave within ten seconds by themselves.
stop_all() {
    trap '' INT TERM HUP
    local index
    for ((index = ${#service_pids[@]} - 1; index >= 0; index--)); do
        kill -TERM "${service_pids[index]}" 2>/dev/null || true
    done
    for ((index = ${#service_pids[@]} - 1; index >= 0; index--)); do
        wait "${service_pids[index]}" 2>/dev/null || true
    done
    if $owns_cluster; then deploy/local-cluster.sh stop "$state/postgres" >/dev/null || true; fi
}
on_signal() {
    printf '\n'
    say "stopping"
    stop_all
    say "stopped; data stays in .local/ for the next run (\`make clean\` removes it)"
    exit 0
}
on_exit() {
    local status=$?
    trap - EXIT
    [[ $status -eq 0 ]] || stop_all
    exit "$status"
}
trap on_signal INT TERM HUP
trap on_exit EXIT

port_is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

case $configuration in
release | debug) ;;
*) fail "RUN_CONFIGURATION is release or debug, not $configuration" ;;
esac
for entry in "ORDER_PORT $order_port" "AFTER_SALES_PORT $after_sales_port" "NOTIFY_PORT $notify_port"; do
    read -r name port <<<"$entry"
    [[ $port =~ ^[0-9]+$ && $port -ge 1 && $port -le 65535 ]] || fail "$name is a port from 1 to 65535, not $port"
    if port_is_taken "$port"; then
        fail "port $port is in use: stop what listens there (another \`make run\`?), or set $name to a free one"
    fi
done

umask 077
mkdir -p "$logs"
# Held while this lives, however it ends; where there is no flock, the taken ports alone tell of another.
if command -v flock >/dev/null; then
    exec 9>"$state/run.lock"
    flock -n 9 || fail "another \`make run\` works in $state: stop it, or set STATE_DIRECTORY to another folder"
fi

deploy/setup.sh run

if [[ -z ${RUN_PRODUCTS:-} ]]; then
    say "building ($configuration; the first time takes some minutes)"
    for product in OrderService AfterSalesService NotifyService CampusSimulator; do
        swift build -c "$configuration" --product "$product"
    done
fi

rm -f "$state/credentials.json"
echo "$products" >"$state/products"
# Set for the migration alone, where a database needs passwords.
role_passwords=()

if [[ -n ${DATABASE_URL:-} ]]; then
    [[ $DATABASE_URL =~ ^postgres(ql)?:// ]] || fail "DATABASE_URL is a URL here, postgresql://user:password@host/database"
    owner_url=$DATABASE_URL
    say "using the database of DATABASE_URL"
    # The services log in by themselves, with passwords that the migration sets: kept, so that a second run is the same.
    passwords=$state/passwords
    if [[ ! -s $passwords ]]; then
        for _ in 1 2 3; do head -c 24 /dev/urandom | base64 | tr -d '/+=\n' && echo; done >"$passwords"
    fi
    { read -r order_password && read -r after_sales_password && read -r notify_password; } <"$passwords"
    role_passwords=(
        "ORDER_SERVICE_PASSWORD=$order_password" "AFTER_SALES_SERVICE_PASSWORD=$after_sales_password"
        "NOTIFY_SERVICE_PASSWORD=$notify_password"
    )
    # The same address for another login.
    address=${owner_url#*://}
    authority=${address%%[/?]*}
    url_as() { echo "${owner_url%%://*}://$1:$2@${authority##*@}${address#"$authority"}"; }
    order_url=$(url_as order_service "$order_password")
    after_sales_url=$(url_as after_sales_service "$after_sales_password")
    notify_url=$(url_as notify_service "$notify_password")
else
    say "starting a private PostgreSQL in $state/postgres"
    if port_is_taken "$postgres_port" && [[ $(deploy/local-cluster.sh status "$state/postgres" || true) != running ]]; then
        fail "port $postgres_port is in use: set POSTGRES_PORT to a free one"
    fi
    owns_cluster=true
    deploy/local-cluster.sh start "$state/postgres" --port "$postgres_port"
    # By its socket, which only this user (or root) can reach: no passwords to keep.
    url_of() { deploy/local-cluster.sh socket-url "$state/postgres" "$@"; }
    ask_postgres() { deploy/local-cluster.sh sql "$state/postgres" postgres "$1"; }
    if [[ $(ask_postgres "select count(*) from pg_database where datname = 'campus'") == 0 ]]; then
        ask_postgres 'create database campus'
    fi
    owner_url=$(url_of campus)
    order_url=$(url_of campus order_service)
    after_sales_url=$(url_of campus after_sales_service)
    notify_url=$(url_of campus notify_service)
fi
unset DATABASE_URL

say "migrating"
as_owner() { MIGRATION_DATABASE_URL=$owner_url LOG_LEVEL=notice "$products/OrderService" "$@" 2>>"$logs/setup.log"; }
(
    for entry in ${role_passwords[@]+"${role_passwords[@]}"}; do export "${entry?}"; done
    as_owner migrate >>"$logs/setup.log"
) || { tail -5 "$logs/setup.log" >&2; fail "migrating failed; see $logs/setup.log"; }

# The keys that seal webhook secrets and contacts at rest: made once, or they could not be read again.
for secret in notify contact; do
    if [[ ! -s $state/$secret.key ]]; then head -c 32 /dev/urandom | base64 | tr -d '\n' >"$state/$secret.key"; fi
done

# Each in a process group of its own, so that Ctrl-C reaches them through this script, in order. What it is told is in its
# environment only, which others cannot list.
launch() { # name product port url [NAME=value …]
    local name=$1 product=$2 port=$3 url=$4
    shift 4
    set -m
    (
        export DATABASE_URL=$url HTTP_HOST=127.0.0.1 HTTP_PORT=$port "$@"
        exec "$products/$product" serve >>"$logs/$name.log" 2>&1 </dev/null 9>&-
    ) &
    service_pids+=($!)
    set +m
    services+=("$name")
}
say "starting the services"
launch order OrderService "$order_port" "$order_url" ALLOW_LOOPBACK_KEY_SETS=true
launch after_sales AfterSalesService "$after_sales_port" "$after_sales_url"
launch notify NotifyService "$notify_port" "$notify_url" \
    ALLOW_LOOPBACK_WEBHOOKS=true NOTIFY_ENCRYPTION_KEY="$(<"$state/notify.key")" \
    CONTACT_KEYS="k1:$(<"$state/contact.key")"

# Names the first service that has ended, if one has.
ended_service() {
    local index
    for index in "${!service_pids[@]}"; do
        if ! kill -0 "${service_pids[index]}" 2>/dev/null; then
            echo "${services[index]}"
            return
        fi
    done
}
fail_if_ended() {
    local name
    name=$(ended_service)
    [[ -z $name ]] && return
    tail -5 "$logs/$name.log" >&2
    fail "$name ended by itself; the whole log is $logs/$name.log"
}
for port in "$order_port" "$after_sales_port" "$notify_port"; do
    for ((attempt = 0; ; attempt++)); do
        fail_if_ended
        ask "http://127.0.0.1:$port/health/ready" && break
        [[ $attempt -lt 150 ]] || fail "the service on port $port is not ready after 30 s; see $logs"
        sleep 0.2
    done
done

say "seeding the test campus $campus"
{
    as_owner campus create --code "$campus" --name "示范校园 Demo campus" --test --if-missing
    as_owner verification-key add --campus "$campus" --kid "$campus-local" --if-missing
} >/dev/null || { tail -5 "$logs/setup.log" >&2; fail "seeding failed; see $logs/setup.log"; }
# The key of an earlier run, while it holds; keys are stored hashed, so it could not be read from the database.
key=$(cat "$state/platform.key" 2>/dev/null || true)
if [[ -z $key ]] || ! ask --config - "http://127.0.0.1:$order_port/v1/orders?limit=1" <<<"header = \"Authorization: Bearer $key\""; then
    key=$(as_owner key issue --campus "$campus" --name make-run)
    echo "$key" >"$state/platform.key"
fi
token() { as_owner token --campus "$campus" --role "$1" --subject "$2" "${@:3}"; }

url() { echo "http://127.0.0.1:$1"; }
# Without its password, for whoever looks over a shoulder.
shown_url=$owner_url
if [[ $owner_url =~ ^([^:]+://[^:@/]*):[^@/]*(@.*)$ ]]; then shown_url=${BASH_REMATCH[1]}:…${BASH_REMATCH[2]}; fi
cat >"$state/credentials.json.new" <<JSON
{
  "urls": {
    "order": "$(url "$order_port")",
    "after_sales": "$(url "$after_sales_port")",
    "notify": "$(url "$notify_port")"
  },
  "database_url": "$owner_url",
  "campus": "$campus",
  "platform_key": "$key",
  "tokens": {
    "customer": "$(token customer stu_demo)",
    "merchant": "$(token merchant mer_demo --merchant-id mer_demo)",
    "rider": "$(token rider rid_demo)",
    "agent": "$(token agent agt_demo)",
    "supervisor": "$(token supervisor sup_demo)",
    "admin": "$(token admin adm_demo)"
  }
}
JSON
mv "$state/credentials.json.new" "$state/credentials.json"

cat <<TEXT

  OrderService       $(url "$order_port")
  AfterSalesService  $(url "$after_sales_port")
  NotifyService      $(url "$notify_port")     each with /openapi.json and /health/ready
  database           $shown_url
  credentials        $state/credentials.json   (platform key, a token for each role)
  logs               $logs/

  Try:  curl -s $(url "$order_port")/v1/orders -H "Authorization: Bearer $key"
        make demo      (in a second terminal: a canteen lunch of 200 orders)
        README.md      (one order by hand, from placing to refund)

  Ctrl-C stops everything.

TEXT

while true; do
    fail_if_ended
    sleep 1
done
