#!/usr/bin/env bash
# Plays a canteen lunch beside a running `make run`: what `make demo` does. Arguments go to the simulator.
set -euo pipefail
cd "$(dirname "$0")/.."

credentials=${STATE_DIRECTORY:-.local}/credentials.json
if [[ ! -e $credentials ]]; then
    echo "nothing is running: start the services with \`make run\` in another terminal first" >&2
    exit 69
fi
for configuration in ${RUN_CONFIGURATION:-release debug}; do
    simulator=.build/$configuration/CampusSimulator
    [[ -x $simulator ]] && exec "$simulator" demo --credentials "$credentials" "$@"
done
echo "the simulator is not built: \`make run\` builds it" >&2
exit 69
