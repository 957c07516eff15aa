#!/usr/bin/env bash
# The alert rules against the services' own lines: silent over a healthy lunch, and each heard when its trouble is made.
set -euo pipefail
cd "$(dirname "$0")/../.."
source Tests/Contract/platform.sh

install_judges
start_platform "$PWD/.local/alerts" 18181 18182 18183 54331
judge "check_alerts.py" "$venv/bin/python" Tests/Contract/alerts/check_alerts.py --state "$state" --products "$products"
conclude
