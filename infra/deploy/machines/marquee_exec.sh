#!/usr/bin/env bash
# marquee_exec.sh SERVICE COMMAND [ARGUMENTS]: run a command on a machine of the cluster as a service's user, in its view of the
# files and with the platform's environment: marquee_exec.sh namenode hdfs dfsadmin -report
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: marquee_exec.sh SERVICE COMMAND [ARGUMENTS]" >&2; exit 64; }
unit=marquee-$1.service
shift
property() { systemctl show --property "$1" --value "$unit"; }
systemctl is-active --quiet "$unit" || { echo "$unit does not run. Read \`journalctl -u $unit\`." >&2; exit 69; }
same=()
for name in User Group SupplementaryGroups BindPaths ProtectSystem; do
  same+=("--property=$name=$(property "$name")")
done
exec systemd-run --quiet --pipe --wait --collect --working-directory=/opt/marquee "${same[@]}" \
  python3 -X utf8 -Es -m infra.control exec -- "$@"
