#!/usr/bin/env bash
# gateway.sh [-t]: run Debian's nginx with the instance's rendered configuration. -t only checks the configuration.
# nginx resolves the services' host names once, when it reads its configuration. Addresses change when a replica is added
# or starts again elsewhere. This script then reloads nginx, which breaks no request.
set -euo pipefail
nginx=$(PATH=$PATH:/usr/sbin command -v nginx) || { echo "nginx is not installed. Run 'make install'." >&2; exit 69; }
# nginx opens /dev/stdout as a file. Under systemd that is journald's socket, which cannot be opened, and a pipe can.
[ ! -S /dev/stdout ] || exec > >(exec cat)
configuration=$MARQUEE_INSTANCE_DIR/conf/gateway/nginx.conf
# If root starts nginx, its workers run as nobody. nginx opens all files that they need before.
command=("$nginx" -p "$MARQUEE_INSTANCE_DIR" -e stderr -c "$configuration" "$@")
names=$(sed -nE 's/^ *server ([^:; ]+):[0-9]+.*/\1/p' "$configuration" | grep -vE '^[0-9.]+$' | sort -u || true)
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
# On SIGQUIT nginx first answers the requests in progress. Without this trap bash would ignore the signal.
trap 'kill -QUIT "$server"' QUIT
while kill -0 "$server" 2>/dev/null; do
  sleep 5 &
  wait -n "$server" $! || true
  # Do not reload while a name has no address: nginx would reject its configuration.
  if now=$(addresses) && [ "$now" != "$known" ]; then
    known=$now
    echo "The services' addresses are now: ${now//$'\n'/ }" >&2
    kill -HUP "$server" 2>/dev/null || true
  fi
done
status=0
wait "$server" || status=$?
exit "$status"
