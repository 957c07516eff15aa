#!/usr/bin/env bash
# Installs from the system's packages what is missing for one purpose, and nothing when nothing is.
#
#   deploy/setup.sh build|run|test|bench
#
# build: libpq and its headers. run: + a PostgreSQL server (unless DATABASE_URL names one) and curl.
# test: + Python with venv, jq, openssl, node, the TypeScript compiler and nginx. bench: + wrk and pgbench. Each purpose includes those before it.
set -euo pipefail

purpose=${1:-run}
case $purpose in
build | run | test | bench) ;;
*)
    echo "usage: deploy/setup.sh build|run|test|bench" >&2
    exit 64
    ;;
esac

has() { command -v "$1" >/dev/null 2>&1; }

# Where a server's own programs live: PATH, what pg_config says, or the distributions' usual folders.
has_server_program() {
    local folder
    for folder in "$(pg_config --bindir 2>/dev/null || true)" /usr/lib/postgresql/*/bin /usr/pgsql-*/bin \
        /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin; do
        [[ -x $folder/$1 ]] && return 0
    done
    has "$1"
}

missing=()
need() { missing+=("$1"); }

if ! has swift; then
    echo "swift is missing: install the toolchain (6.2 or later) from https://www.swift.org/install and run this again" >&2
    exit 69
fi
has pkg-config || need pkg-config
{ has pkg-config && pkg-config --exists libpq; } || need libpq
if [[ $purpose != build ]]; then
    has curl || need curl
    # A test always brings its own cluster; a run can use a database that is already somewhere.
    if [[ $purpose != run || -z ${DATABASE_URL:-} ]]; then
        { has_server_program initdb && has_server_program pg_ctl; } || need server
    fi
    has psql || has_server_program psql || need client
fi
if [[ $purpose == test || $purpose == bench ]]; then
    if ! has python3 || ! python3 -c 'import venv, ensurepip' >/dev/null 2>&1; then need python; fi
    has jq || need jq
    has openssl || need openssl
    has node || need node
    has tsc || need typescript
    has nginx || [[ -x /usr/sbin/nginx ]] || need nginx
fi
if [[ $purpose == bench ]]; then
    has wrk || need wrk
    has_server_program pgbench || need pgbench
fi
[[ ${#missing[@]} -eq 0 ]] && exit 0

echo "installing from the system's packages: ${missing[*]}"
as_root=()
if [[ $(id -u) -ne 0 ]] && ! has brew; then
    if ! has sudo; then
        echo "not root and no sudo: ask an administrator to install: ${missing[*]}" >&2
        exit 77
    fi
    as_root=(sudo)
fi

# The package that holds each need, by package manager.
package_for() {
    case "$1/$2" in
    apt/pkg-config) echo pkg-config ;;
    apt/libpq) echo libpq-dev ;;
    apt/server | apt/pgbench) echo postgresql ;;
    apt/client) echo postgresql-client ;;
    apt/python) echo python3 python3-venv ;;
    apt/node | dnf/node) echo nodejs ;;
    apt/typescript) echo node-typescript ;;
    apt/nginx) echo nginx-light ;;
    dnf/pkg-config) echo pkgconf-pkg-config ;;
    dnf/libpq) echo libpq-devel ;;
    dnf/server) echo postgresql-server ;;
    dnf/client) echo postgresql ;;
    dnf/pgbench) echo postgresql-contrib ;;
    dnf/python) echo python3 ;;
    brew/pkg-config) echo pkgconf ;;
    brew/libpq) echo libpq ;;
    brew/server | brew/client | brew/pgbench) echo postgresql@16 ;;
    brew/python) echo python ;;
    *) echo "$2" ;;
    esac
}

if has apt-get; then manager=apt; elif has dnf; then manager=dnf; elif has brew; then manager=brew; else
    echo "no apt-get, dnf or brew here: install these by hand and run this again: ${missing[*]}" >&2
    exit 69
fi
packages=()
for item in "${missing[@]}"; do
    read -ra names <<<"$(package_for $manager "$item")"
    packages+=("${names[@]}")
done

case $manager in
apt)
    # Debian's postgresql package would start a cluster of its own on 5432: nobody asked for that one.
    if [[ " ${packages[*]} " == *" postgresql "* && ! -e /etc/postgresql-common/createcluster.conf ]]; then
        "${as_root[@]+"${as_root[@]}"}" mkdir -p /etc/postgresql-common/createcluster.d
        echo "create_main_cluster = false" |
            "${as_root[@]+"${as_root[@]}"}" tee /etc/postgresql-common/createcluster.d/no-main-cluster.conf >/dev/null
    fi
    # Nor a proxy on port 80: for the time of the installation nothing may be started.
    if [[ " ${packages[*]} " == *" nginx-light "* && ! -e /usr/sbin/policy-rc.d ]]; then
        printf '#!/bin/sh\nexit 101\n' | "${as_root[@]+"${as_root[@]}"}" tee /usr/sbin/policy-rc.d >/dev/null
        "${as_root[@]+"${as_root[@]}"}" chmod +x /usr/sbin/policy-rc.d
        trap '"${as_root[@]+"${as_root[@]}"}" rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    "${as_root[@]+"${as_root[@]}"}" apt-get update -qq
    "${as_root[@]+"${as_root[@]}"}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "${packages[@]}"
    ;;
dnf) "${as_root[@]+"${as_root[@]}"}" dnf install -y "${packages[@]}" ;;
brew) brew install "${packages[@]}" ;;
esac
