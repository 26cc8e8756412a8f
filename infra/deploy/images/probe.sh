#!/usr/bin/env bash
# probe.sh: exit with status 0 if this container's service works. `infra.control service` has written the probe's parameters:
# host and port, and, if an open port is not enough, the path that must answer 200 and a text that the answer must contain.
set -euo pipefail
read -r host port path text <"$(dirname "$0")/../../../.marquee/instances/default/run/probe"
exec 3<>"/dev/tcp/$host/$port"
[ -n "$path" ] || exit 0
printf 'GET %s HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$path" >&3
answer=$(cat <&3)
[[ $answer == HTTP/1.?" 200 "* && $answer == *"$text"* ]]
