#!/usr/bin/env bash
# machines.sh up FOLDER NAME=ADDRESS[=MIB] ... | down FOLDER: containers with systemd that take the place of virtual machines.
# FOLDER keeps the SSH key and the machines' own keys. Each machine answers at ADDRESS of the Docker network marquee-machines.
set -euo pipefail
network=marquee-machines
here=$(cd "$(dirname "$0")" && pwd)
command=${1:-} folder=${2:-}
[ -n "$folder" ] || { echo "usage: machines.sh up FOLDER NAME=ADDRESS[=MIB] ... | down FOLDER" >&2; exit 64; }
shift 2

machines() { docker ps --all --quiet --filter "label=marquee-machines=$network"; }

built() { docker image inspect "$1" >/dev/null 2>&1; }

inside() { local name=$1; shift; docker exec --interactive "marquee-machine-$name" "$@"; }

machine() {
  local name=$1 address=$2 memory=$3
  if [ -z "$(docker ps --quiet --filter "name=^marquee-machine-$name$")" ]; then
    docker rm --force "marquee-machine-$name" >/dev/null 2>&1 || true
    # systemd needs its own part of the control groups and rights to mount, and the firewall those over the network.
    docker run --detach --cgroupns private --cap-add SYS_ADMIN --cap-add NET_ADMIN \
      --security-opt seccomp=unconfined --security-opt apparmor=unconfined --label "marquee-machines=$network" \
      --name "marquee-machine-$name" --hostname "$name" --network "$network" --ip "$address" --memory "${memory}m" --memory-swap "${memory}m" \
      --tmpfs /run --tmpfs /run/lock --tmpfs /tmp:exec marquee-machine >/dev/null
  fi
  inside "$name" sh -c 'cat >/root/.ssh/authorized_keys && ssh-keygen -A >/dev/null' <"$folder/ssh/id_ed25519.pub"
  for _ in $(seq 60); do
    inside "$name" sh -c 'systemctl reset-failed ssh; systemctl start ssh' </dev/null >/dev/null 2>&1 && break
    sleep 1
  done
  inside "$name" systemctl is-active --quiet ssh </dev/null || { echo "sshd of $name does not run. Read \`docker logs marquee-machine-$name\`." >&2; exit 69; }
  echo "$address $(inside "$name" cat /etc/ssh/ssh_host_ed25519_key.pub </dev/null)" >>"$folder/ssh/known_hosts"
}

case "$command" in
  up)
    mkdir -p "$folder/ssh"
    [ -f "$folder/ssh/id_ed25519" ] || ssh-keygen -q -t ed25519 -N "" -C marquee-machines -f "$folder/ssh/id_ed25519"
    rm -f "$folder/ssh/known_hosts"
    built marquee-platform || docker compose --file "$here/../../../../docker-compose.yml" build secrets
    built marquee-machine || docker build ${BASE_IMAGE:+--build-arg BASE_IMAGE="$BASE_IMAGE"} --tag marquee-machine --file "$here/Dockerfile" "$here"
    docker network inspect "$network" >/dev/null 2>&1 || docker network create --subnet 10.89.23.0/24 "$network" >/dev/null
    for given in "$@"; do
      IFS='=' read -r name address memory <<<"$given"
      machine "$name" "$address" "${memory:-2048}"
    done
    ;;
  down)
    machines | xargs --no-run-if-empty docker rm --force --volumes >/dev/null
    docker network rm "$network" >/dev/null 2>&1 || true
    ;;
  *)
    echo "usage: machines.sh up FOLDER NAME=ADDRESS[=MIB] ... | down FOLDER" >&2
    exit 64
    ;;
esac
