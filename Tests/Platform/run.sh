#!/usr/bin/env bash
# A platform written in Python against the published documents alone: 500 orders, refunds that it pays itself, lost webhooks, killed
# processes; in the evening both books agree to the fen.
#
#   RUN_PRODUCTS   a folder of built executables; without it they are built for debugging
#   ORDERS, SEED   how many orders are played (500), and what tells one day from another (7)
set -euo pipefail
cd "$(dirname "$0")/../.."
source Tests/Contract/platform.sh

install_judges
products=${RUN_PRODUCTS:-$PWD/.build/debug}
if [[ -z ${RUN_PRODUCTS:-} ]]; then
    for product in OrderService AfterSalesService NotifyService; do swift build --product "$product"; done
fi
export PYTHONDONTWRITEBYTECODE=1
exec "$venv/bin/python" Tests/Platform/play.py --products "$products" --state "$PWD/.local/platform" \
    --orders "${ORDERS:-500}" --seed "${SEED:-7}"
