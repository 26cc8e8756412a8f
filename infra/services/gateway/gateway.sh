#!/usr/bin/env bash
# gateway.sh [-t]: Debian's nginx with the instance's rendered configuration; -t only checks it.
# nginx asks for the services' addresses once, when it reads its configuration. Where a service has a name, it is told to read it
# anew (which breaks no request) when the name's addresses have changed: a replica was added, or came back elsewhere.
set -euo pipefail
nginx=$(PATH=$PATH:/usr/sbin command -v nginx) || { echo "nginx is not installed: run 'make install'." >&2; exit 69; }
configuration=$MARQUEE_INSTANCE_DIR/conf/gateway/nginx.conf
# Started by root, its workers run as nobody: all that they need of the disk is opened before.
command=("$nginx" -p "$MARQUEE_INSTANCE_DIR" -e stderr -c "$configuration" "$@")
names=$(sed -nE 's/^ *upstream .* server ([^:;]*):.*/\1/p' "$configuration" | grep -vE '^[0-9.]+$' || true)
if [ -z "$names" ] || [ $# -gt 0 ]; then
  exec "${command[@]}"
fi

addresses() {
  local name
  for name in $names; do getent ahostsv4 "$name" | cut -d ' ' -f 1 | sort -u; done
}

known=$(addresses || true)
"${command[@]}" &
server=$!
trap 'kill -TERM "$server"' TERM INT
# nginx then answers the requests that it has; bash alone would ignore it.
trap 'kill -QUIT "$server"' QUIT
while kill -0 "$server" 2>/dev/null; do
  sleep 5 &
  wait -n "$server" $! || true
  # A name that has no address for a moment is no reason: nginx would refuse to read its configuration.
  if now=$(addresses) && [ "$now" != "$known" ]; then
    known=$now
    echo "The services' addresses are now: ${now//$'\n'/ }" >&2
    kill -HUP "$server" 2>/dev/null || true
  fi
done
status=0
wait "$server" || status=$?
exit "$status"
