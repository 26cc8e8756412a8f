#!/usr/bin/env bash
# own_folder.sh COMMAND [ARGUMENTS]: run a command with data, logs and temporary files in a replica's own folder.
# That is the first folder of the volume /replicas that no other replica holds. A replica that starts again thus finds its data.
set -euo pipefail
for number in $(seq 1000); do
  mkdir -p "/replicas/$number"/{data,logs,tmp}
  # The lock lasts until the last process of the container ends.
  exec {lock}>"/replicas/$number/lock"
  flock --nonblock "$lock" && break
  exec {lock}>&-
done
for part in data logs tmp; do
  ln -sfnT "/replicas/$number/$part" "/instance/$part"
done
exec "$@"
