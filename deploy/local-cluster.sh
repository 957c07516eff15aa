#!/usr/bin/env bash
# A private PostgreSQL cluster in a folder of its own; never touches a cluster that it did not make.
#
#   local-cluster.sh start   DIR [option …]   make it if there is none, start it, wait until it answers
#   local-cluster.sh stop    DIR              stop it, ending its sessions first
#   local-cluster.sh kill    DIR              stop it at once, as a crash would: it recovers at the next start
#   local-cluster.sh restart DIR              stop and start with the options it had
#   local-cluster.sh status  DIR              "running" (exit 0), "stopped" (3) or "none" (4)
#   local-cluster.sh url     DIR [DATABASE [ROLE]]   how to connect: by TCP if it has a port, else by its socket
#   local-cluster.sh socket-url DIR [DATABASE [ROLE]]   how to connect by its socket
#   local-cluster.sh sql     DIR DATABASE STATEMENT     what it answers the superuser, in plain rows
#   local-cluster.sh destroy DIR              kill it and remove the folder
#
# Options of start, kept for later starts:
#   --port N          listen on 127.0.0.1:N too; without it there is only the socket
#   --set NAME=VALUE  a server setting, as often as needed
#   --tls FOLDER      TLS with FOLDER/server.crt and FOLDER/server.key; then TCP without TLS is refused
#   --template FOLDER keep a fresh data folder there and copy it, which is faster than making one each time
#
# Who may connect: by the socket whoever may enter its folder (mode 0700: the server's user and root), without a password; by TCP
# any role by password (scram-sha-256). The superuser is "postgres"; its random password is in DIR/password, mode 0600.
# As root the server runs as user "postgres", or "nobody" where there is none, since PostgreSQL refuses to run as root.
set -euo pipefail
export LC_ALL=C

fail() {
    echo "local-cluster: $*" >&2
    exit 1
}
usage() {
    sed -n '2,/^set -euo/{/^set -euo/d;s/^# \{0,1\}//;p;}' "$0" >&2
    exit 64
}

[[ $# -ge 2 ]] || usage
command=$1
directory=$2
shift 2

# --- The server's programs: the newest of what the distributions' folders, pg_config and PATH have.
oldest_version=15
find_programs() {
    local folder version found="" newest=0
    for folder in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin \
        /usr/local/opt/postgresql@*/bin "$(pg_config --bindir 2>/dev/null || true)" \
        "$(dirname "$(command -v initdb || true)")"; do
        [[ -x $folder/initdb && -x $folder/pg_ctl && -x $folder/postgres ]] || continue
        version=$("$folder/postgres" --version)
        version=${version##*PostgreSQL) }
        version=${version%%[!0-9]*}
        if ((version >= newest)); then newest=$version found=$folder; fi
    done
    [[ -n $found ]] || fail "PostgreSQL's server is not installed (initdb and pg_ctl were not found)"
    ((newest >= oldest_version)) ||
        fail "PostgreSQL $oldest_version or later is needed, and the newest here is $newest (in $found)"
    echo "$found"
}

# --- Who runs the server.
server_user=""
if [[ $(id -u) -eq 0 ]]; then
    for candidate in postgres nobody; do
        if id "$candidate" >/dev/null 2>&1; then
            server_user=$candidate
            break
        fi
    done
    [[ -n $server_user ]] || fail "running as root, and there is neither a user postgres nor nobody"
fi
as_server() {
    if [[ -z $server_user ]]; then
        "$@"
    elif command -v setpriv >/dev/null; then
        setpriv --reuid "$server_user" --regid "$(id -g "$server_user")" --clear-groups --inh-caps=-all -- "$@"
    elif command -v runuser >/dev/null; then
        runuser -u "$server_user" -- "$@"
    else
        su -s /bin/bash "$server_user" -c "$(printf '%q ' "$@")"
    fi
}
own() { [[ -z $server_user ]] || chown "$@"; }

# --- Where things are. `base` is DIR unless the server's user cannot reach it, as under a home of root's.
make_base() {
    mkdir -p "$directory"
    directory=$(cd "$directory" && pwd -P)
    chmod 0711 "$directory"
    base=$directory
    if ! as_server test -x "$directory" 2>/dev/null; then
        base=$(mktemp -d /var/tmp/campus-postgres.XXXXXX)
        chmod 0711 "$base"
    fi
    echo "$base" >"$directory/location"
    # A socket's path is limited to some hundred bytes.
    socket=$base/socket
    if [[ ${#socket} -gt 80 ]]; then socket=$(mktemp -d /tmp/campus-socket.XXXXXX); fi
    mkdir -p "$socket"
    own "$server_user:" "$socket"
    chmod 0700 "$socket"
    echo "$socket" >"$directory/socket-location"
}
load_base() {
    [[ -f $directory/location ]] || return 1
    directory=$(cd "$directory" && pwd -P)
    base=$(<"$directory/location")
    socket=$(<"$directory/socket-location")
    data=$base/data
}
is_running() { [[ -f $data/postmaster.pid ]] && as_server "$programs/pg_ctl" status -D "$data" >/dev/null 2>&1; }

make_data() { # DATA PASSWORD_FILE
    # The password goes to initdb as a file that the server's user can read.
    local readable
    readable=$(mktemp "${TMPDIR:-/tmp}/campus-password.XXXXXX")
    cp "$2" "$readable"
    own "$server_user:" "$readable"
    as_server "$programs/initdb" -D "$1" -U postgres --encoding=UTF8 --locale=C --pwfile="$readable" \
        --auth-local=trust --auth-host=scram-sha-256 --no-sync --data-checksums >/dev/null ||
        { rm -f "$readable"; fail "initdb failed"; }
    rm -f "$readable"
    echo "include_if_exists = '../cluster.conf'" >>"$1/postgresql.conf"
}

make_password() { # FILE
    (umask 077 && head -c 24 /dev/urandom | base64 | tr -d '/+=\n' >"$1")
}

create() {
    local template=$1
    make_base
    data=$base/data
    if [[ -z $template ]]; then
        make_password "$directory/password"
        mkdir "$data"
        own "$server_user:" "$data"
        chmod 0700 "$data"
        make_data "$data" "$directory/password"
        return
    fi
    if [[ ! -d $template ]]; then
        # Made aside and renamed, so that of several who make it at once one wins and none sees half of it.
        local draft
        mkdir -p "$(dirname "$template")"
        draft=$(mktemp -d "$template.XXXXXX")
        chmod 0711 "$draft"
        mkdir "$draft/data"
        own "$server_user:" "$draft/data"
        chmod 0700 "$draft/data"
        make_password "$draft/password"
        make_data "$draft/data" "$draft/password"
        if ! mv -T "$draft" "$template" 2>/dev/null; then # which not every system's mv has
            if [[ -d $template ]]; then rm -rf "$draft"; else mv "$draft" "$template"; fi
        fi
    fi
    cp -p "$template/password" "$directory/password"
    cp -Rp "$template/data" "$data"
}

configure() {
    local line
    {
        echo "unix_socket_directories = '$socket'"
        echo "unix_socket_permissions = 0700"
        if [[ -n $port ]]; then
            echo "port = $port"
            echo "listen_addresses = '127.0.0.1'"
        else
            echo "listen_addresses = ''"
        fi
        if [[ -n $tls ]]; then
            echo "ssl = on"
            echo "ssl_cert_file = '$base/server.crt'"
            echo "ssl_key_file = '$base/server.key'"
        fi
        for line in ${settings[@]+"${settings[@]}"}; do
            [[ $line =~ ^[a-z_.]+=[^\']*$ ]] || fail "not a setting: $line"
            echo "${line%%=*} = '${line#*=}'"
        done
    } >"$base/cluster.conf"
    {
        echo "local all all trust"
        if [[ -n $tls ]]; then
            echo "hostssl all all 127.0.0.1/32 scram-sha-256"
        else
            echo "host all all 127.0.0.1/32 scram-sha-256"
        fi
        echo "local replication all trust"
    } >"$data/pg_hba.conf"
    if [[ -n $tls ]]; then
        cp "$tls/server.crt" "$tls/server.key" "$base/"
        chmod 0600 "$base/server.key"
        own "$server_user:" "$base/server.crt" "$base/server.key"
    fi
    own "$server_user:" "$base/cluster.conf" "$data/pg_hba.conf"
    chmod 0644 "$base/cluster.conf"
    echo "$port" >"$directory/port"
}

# A server outlives its caller, who may be waiting for the descriptors that its children inherited to be closed.
close_inherited() {
    local descriptor
    for descriptor in /dev/fd/*; do
        descriptor=${descriptor##*/}
        # 255 is where bash reads this script from.
        if ((descriptor > 2 && descriptor != 255)); then eval "exec $descriptor>&-"; fi
    done
}

launch() {
    : >>"$base/log"
    own "$server_user:" "$base/log"
    (close_inherited && as_server "$programs/pg_ctl" start -D "$data" -w -t 60 -s -l "$base/log") </dev/null >/dev/null 2>&1 || {
        tail -5 "$base/log" >&2
        fail "the server did not start; its log is $base/log"
    }
}

url() { # TCP? DATABASE ROLE
    local port="" role=$3
    [[ -s $directory/port ]] && port=$(<"$directory/port")
    if $1 && [[ -n $port ]]; then
        if [[ $role == postgres ]]; then role=postgres:$(<"$directory/password"); fi
        echo "postgresql://$role@127.0.0.1:$port/$2"
    else
        local host=${socket//%/%25}
        host=${host//\//%2F}
        echo "postgresql://$role@$host${port:+:$port}/$2"
    fi
}

programs=$(find_programs)
case $command in
start)
    port="" tls="" template="" settings=()
    while [[ $# -gt 0 ]]; do
        [[ $# -ge 2 ]] || usage
        case $1 in
        --port) port=$2 ;;
        --set) settings+=("$2") ;;
        --tls) tls=$2 ;;
        --template) template=$2 ;;
        *) usage ;;
        esac
        shift 2
    done
    if ! load_base || [[ ! -f $data/PG_VERSION ]]; then create "$template"; fi
    if is_running; then exit 0; fi
    configure
    launch
    ;;
stop | kill)
    if load_base && is_running; then
        mode=fast
        if [[ $command == kill ]]; then mode=immediate; fi
        as_server "$programs/pg_ctl" stop -D "$data" -m "$mode" -w -t 60 -s
    fi
    ;;
restart)
    load_base || fail "there is no cluster in $directory"
    if is_running; then as_server "$programs/pg_ctl" stop -D "$data" -m fast -w -t 60 -s; fi
    launch
    ;;
status)
    if ! load_base; then
        echo none
        exit 4
    elif is_running; then
        echo running
    else
        echo stopped
        exit 3
    fi
    ;;
url | socket-url)
    load_base || fail "there is no cluster in $directory"
    by_tcp=true
    if [[ $command == socket-url ]]; then by_tcp=false; fi
    url $by_tcp "${1:-postgres}" "${2:-postgres}"
    ;;
sql)
    [[ $# -eq 2 ]] || usage
    load_base || fail "there is no cluster in $directory"
    psql=$programs/psql
    [[ -x $psql ]] || psql=psql
    "$psql" -qXAt -v ON_ERROR_STOP=1 -c "$2" "$(url false "$1" postgres)"
    ;;
destroy)
    if load_base; then
        if is_running; then as_server "$programs/pg_ctl" stop -D "$data" -m immediate -w -t 60 -s || true; fi
        rm -rf -- "$socket" "$base"
    fi
    rm -rf -- "$directory"
    ;;
*) usage ;;
esac
