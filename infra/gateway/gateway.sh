#!/usr/bin/env bash
# gateway.sh [-t]: Debian's nginx with the instance's rendered configuration; -t only checks it.
set -euo pipefail
nginx=$(PATH=$PATH:/usr/sbin command -v nginx) || { echo "nginx is not installed: run 'make install'." >&2; exit 69; }
# Started by root, its workers run as nobody: all that they need of the disk is opened before.
exec "$nginx" -p "$MARQUEE_INSTANCE_DIR" -e stderr -c "$MARQUEE_INSTANCE_DIR/conf/gateway/nginx.conf" "$@"
