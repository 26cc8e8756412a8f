#!/usr/bin/env bash
# own_folder.sh COMMAND [ARGUMENTS]: a replica's data, logs and temporary files in the first folder of the volume /replicas that
# no other replica holds, so that one that starts again finds what it had.
set -euo pipefail
for number in $(seq 1000); do
  mkdir -p "/replicas/$number"/{data,logs,tmp}
  # Held until the last process of the container ends.
  exec {lock}>"/replicas/$number/lock"
  flock --nonblock "$lock" && break
  exec {lock}>&-
done
for part in data logs tmp; do
  ln -sfnT "/replicas/$number/$part" "/instance/$part"
done
exec "$@"
