#!/usr/bin/env bash
# Exits 0 when the service on HTTP_PORT says that it is ready. Needs nothing that a bare image lacks.
set -euo pipefail
exec 3<>"/dev/tcp/127.0.0.1/${HTTP_PORT:?}"
printf 'GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
read -rt 3 _ status _ <&3
[[ $status == 200 ]]
