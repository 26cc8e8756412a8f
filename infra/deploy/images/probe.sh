#!/usr/bin/env bash
# probe.sh: exit status 0 if this container's service does its work. `infra.control service` wrote what to ask:
# host, port and, where an open port is not enough, the path that answers 200 and a text that stands in the answer.
set -euo pipefail
read -r host port path text <"$(dirname "$0")/../../../.marquee/instances/default/run/probe"
exec 3<>"/dev/tcp/$host/$port"
[ -n "$path" ] || exit 0
printf 'GET %s HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$path" >&3
answer=$(cat <&3)
[[ $answer == HTTP/1.?" 200 "* && $answer == *"$text"* ]]
