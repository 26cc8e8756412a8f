#!/usr/bin/env bash
# node.sh up | status | down | import FILE | kubectl ... : one real Kubernetes node on this machine, for tests and for people without a cluster.
# All that it runs is in namespaces and cgroups of its own. After `down` only files are left, below $MARQUEE_STATE/kubernetes.
# MARQUEE_NODE_API_PORT and MARQUEE_NODE_PORTS say where it answers on the loopback address. MARQUEE_NODE_OUTSIDE=10.87.0.1 gives this machine
# an address at which pods find what it runs, such as HDFS; without it, pods reach nothing outside.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "${MARQUEE_STATE:-.marquee}/kubernetes"
state=$(cd "${MARQUEE_STATE:-.marquee}/kubernetes" && pwd)
run=$state/run
api_port=${MARQUEE_NODE_API_PORT:-16443} node_ports=${MARQUEE_NODE_PORTS:-30000-30019}
memory=${MARQUEE_NODE_MEMORY:-3G} volumes=${MARQUEE_NODE_VOLUMES:-16} outside=${MARQUEE_NODE_OUTSIDE:-}
export KUBECONFIG=$run/pki/admin.kubeconfig

fail() { echo "marquee: $*" >&2; exit 1; }
runs() { [ -e "$run/$1.pid" ] && kill -0 "$(cat "$run/$1.pid")" 2>/dev/null; }
kubectl() { "$run/bin/kubectl" "$@"; }

check() {
  [ "$(id -u)" = 0 ] || fail "A node needs root, for namespaces and mounts. Run the command as root, or use minikube or kind as docs/kubernetes.md says."
  local missing=() need
  for need in containerd:containerd ctr:containerd runc:runc conntrack:conntrack iptables:iptables openssl:openssl curl:curl go:golang unshare:util-linux ip:iproute2; do
    PATH=$PATH:/usr/sbin command -v "${need%:*}" >/dev/null || missing+=("${need#*:}")
  done
  [ -x /usr/lib/cni/bridge ] || missing+=(containernetworking-plugins)
  [ ${#missing[@]} = 0 ] || fail "This machine lacks programs that a node needs. Install them: apt-get install --no-install-recommends $(printf '%s\n' "${missing[@]}" | sort -u | tr '\n' ' ')."
  [ -d /sys/fs/cgroup/pids ] || fail "This machine has no cgroup v1, which this node needs. Use minikube or kind as docs/kubernetes.md says."
}

render() {
  mkdir -p "$run"/{conf/cni,log,kubelet,volumes} 
  local file
  (cd "$here/conf" && find . -type f) | while read -r file; do sed "s#@{RUN}#$run#g" "$here/conf/$file" >"$run/conf/$file"; done
}

# Groups below this shell's own in each cgroup tree. They limit the node, and `down` removes them.
make_cgroups() {
  : >"$run/cgroups"
  local names path tree group file
  while IFS=: read -r _ names path; do
    [ -n "$names" ] || continue
    tree=/sys/fs/cgroup/${names#name=}
    [ -d "$tree" ] || continue
    group=$tree${path%/}/marquee-node-$$
    mkdir "$group"
    echo "$group" >>"$run/cgroups"
    if [ -e "$group/cpuset.cpus" ]; then
      for file in cpus mems; do cat "$group/../cpuset.$file" >"$group/cpuset.$file"; done
    fi
    if [ -e "$group/memory.limit_in_bytes" ]; then echo "$memory" >"$group/memory.limit_in_bytes"; fi
  done </proc/self/cgroup
}

start() {
  make_cgroups
  (
    while read -r group; do echo "$BASHPID" >"$group/cgroup.procs"; done <"$run/cgroups"
    exec setsid unshare --net --mount --pid --uts --ipc --cgroup --fork --kill-child --mount-proc "$here/inside.sh" "$run" "$api_port" "$node_ports"
  ) >"$run/log/node.log" 2>&1 </dev/null &
  local parent=$! child=
  for _ in {1..50}; do
    child=$(cat "/proc/$parent/task/$parent/children" 2>/dev/null || true)
    [ -z "$child" ] || break
    sleep 0.1
  done
  [ -n "$child" ] || fail "The node's first process did not start. Read $run/log/node.log."
  echo "${child% }" >"$run/node.pid"
  setsid "$run/bin/forward" "/proc/${child% }/ns/net" 10.89.0.2 "$api_port" "$node_ports" >"$run/log/forward.log" 2>&1 </dev/null &
  echo $! >"$run/forward.pid"
}

# A pair of interfaces, one end here. It ends with the node's namespace. Pods are translated to the node's end, the address after this machine's.
open_to_this_machine() {
  local process
  process=$(cat "$run/node.pid")
  [[ $outside =~ ^([0-9]+\.[0-9]+\.[0-9]+)\.([0-9]+)$ ]] || fail "MARQUEE_NODE_OUTSIDE=$outside is not an address such as 10.87.0.1."
  ip link add marquee-node type veth peer name outside netns "$process"
  ip address add "$outside/30" dev marquee-node
  ip link set marquee-node up
  nsenter --target "$process" --net sh -ec "ip address add ${BASH_REMATCH[1]}.$((BASH_REMATCH[2] + 1))/30 dev outside; ip link set outside up"
}

alive() {
  local name
  for name in node forward; do
    runs $name || { tail -n 5 "$run/log/$name.log" >&2; fail "The node ended while it started. Read the logs in $run/log, then run 'make node-up' again."; }
  done
}

# After a restart the API server tells the states of the last run. Wait for a report of the kubelet that is newer than this start.
node_ready() {
  local state at
  read -r state at < <(kubectl get node node1 -o jsonpath='{range .status.conditions[?(@.type=="Ready")]}{.status} {.lastHeartbeatTime}{"\n"}{end}' 2>/dev/null) \
    && [ "$state" = True ] && [ "$(date -d "$at" +%s)" -ge "$begun" ]
}

install_system() {
  local image number
  until [ -S "$run/containerd.sock" ]; do alive; sleep 0.2; done
  for image in "$run"/images/*.tar; do import "$image"; done
  kubectl apply -f "$here/system.yaml" >/dev/null
  kubectl -n kube-system create secret tls metrics-server --cert "$run/pki/metrics-server.crt" --key "$run/pki/metrics-server.key" \
    --dry-run=client -o yaml | kubectl apply -f - >/dev/null
  sed "s/CA_BUNDLE/$(base64 -w0 "$run/pki/ca.crt")/" "$here/metrics.yaml" | kubectl apply -f - >/dev/null
  for number in $(seq -w "$volumes"); do
    mkdir -p "$run/volumes/volume-$number"
    sed "s/NAME/volume-$number/" "$here/storage.yaml"
    echo ---
  done | kubectl apply -f - >/dev/null
}

up() {
  check
  if runs node; then echo "The node runs already. export KUBECONFIG=$KUBECONFIG"; return; fi
  local built
  built=$("$here/build.sh" "$state")
  mkdir -p "$run"
  ln -sfn "$built/bin" "$run/bin"
  ln -sfn "$built/images" "$run/images"
  begun=$(date +%s)
  "$here/certificates.sh" "$run/pki" "$api_port"
  render
  trap '[ -n "${started:-}" ] || down' EXIT
  start
  [ -z "$outside" ] || open_to_this_machine
  until kubectl get --raw /readyz >/dev/null 2>&1; do alive; sleep 0.5; done
  echo "The API server is ready after $(($(date +%s) - begun)) s."
  install_system
  until node_ready; do alive; sleep 0.5; done
  echo "The node is ready after $(($(date +%s) - begun)) s."
  kubectl -n kube-system rollout status deployment/coredns --timeout=120s >/dev/null
  until kubectl get --raw /api/v1/namespaces/kube-system/services/kube-dns:ready/proxy/ready >/dev/null 2>&1; do alive; sleep 0.5; done
  echo "DNS is ready after $(($(date +%s) - begun)) s."
  started=yes
  echo "export KUBECONFIG=$KUBECONFIG PATH=$run/bin:\$PATH"
}

status() {
  runs node || { echo "The node does not run. Start it with 'make node-up'."; return 1; }
  kubectl get node
  kubectl get pods --all-namespaces
  echo "export KUBECONFIG=$KUBECONFIG PATH=$run/bin:\$PATH"
}

# One signal to the node's process 1, whose namespaces take every process, mount, interface and rule with them.
down() {
  local name pid group
  for name in forward node; do
    [ -e "$run/$name.pid" ] || continue
    pid=$(cat "$run/$name.pid")
    kill -TERM "$pid" 2>/dev/null || true
    for _ in {1..150}; do kill -0 "$pid" 2>/dev/null || break; sleep 0.2; done
    kill -KILL "$pid" 2>/dev/null || true
    rm -f "$run/$name.pid"
  done
  [ -e "$run/cgroups" ] || { echo "The node does not run."; return; }
  while read -r group; do
    for _ in {1..50}; do
      if [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} + 2>/dev/null; then break; fi
      sleep 0.2
    done
  done <"$run/cgroups"
  rm "$run/cgroups"
  echo "The node has stopped, and no process is left. Its certificates, objects, images and volumes are in $run."
}

import() {
  [ -f "$1" ] || fail "There is no image file $1. Write one: docker save NAME -o FILE."
  ctr -a "$run/containerd.sock" -n k8s.io images import "$1" >/dev/null
}

case "${1:-}" in
  up | status | down) "$1" ;;
  # Also without its state: the next start makes another node.
  delete) down; rm -rf "$run"; echo "Deleted $run." ;;
  import) runs node || fail "The node does not run. Start it with 'make node-up'."; import "${2:-}" ;;
  kubectl) runs node || fail "The node does not run. Start it with 'make node-up'."; shift; exec "$run/bin/kubectl" "$@" ;;
  *) echo "usage: node.sh up | status | down | delete | import FILE | kubectl ARGUMENTS" >&2; exit 64 ;;
esac
