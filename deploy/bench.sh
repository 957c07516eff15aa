#!/usr/bin/env bash
# Each figure beside its limit, in one run: what `make bench` does. Arguments go to Benchmarks (--seconds, --only).
#
# Builds for release and measures on a private cluster of its own with the server's default durability.
set -euo pipefail
cd "$(dirname "$0")/.."

state=$PWD/.local/bench
mkdir -p "$state/logs"
# pgbench lies where the distribution keeps a server's programs, which may not be on the path.
PATH=$PATH:$(pg_config --bindir):$(echo /usr/lib/postgresql/*/bin | tr ' ' ':')
export PATH

swift build -c release
stop() { deploy/local-cluster.sh stop "$state/postgres" >/dev/null || true; }
trap stop EXIT
deploy/local-cluster.sh start "$state/postgres" --set max_connections=300 --set shared_buffers=256MB --set max_wal_size=4GB
.build/release/Benchmarks --cluster "$(deploy/local-cluster.sh socket-url "$state/postgres" postgres postgres)" \
    --executables "$PWD/.build/release" --logs "$state/logs" "$@"
