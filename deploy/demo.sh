#!/usr/bin/env bash
# Plays a canteen lunch beside a running `make run`: what `make demo` does. Arguments go to the simulator.
set -euo pipefail
cd "$(dirname "$0")/.."

credentials=${STATE_DIRECTORY:-.local}/credentials.json
if [[ ! -e $credentials ]]; then
    echo "nothing is running: start the services with \`make run\` in another terminal first" >&2
    exit 69
fi
# Built with the services that run.
simulator=$(<"${credentials%/*}/products")/CampusSimulator
if [[ ! -x $simulator ]]; then
    echo "the simulator is not built: there is no $simulator" >&2
    exit 69
fi
exec "$simulator" demo --credentials "$credentials" "$@"
