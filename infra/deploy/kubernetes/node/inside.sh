#!/usr/bin/env bash
# inside.sh RUN API-PORT NODE-PORTS: the node itself. node.sh starts it as process 1 of namespaces of its own, and all that it makes ends with it.
set -euo pipefail
run=$1 api_port=$2 node_ports=$3
bin=$run/bin pki=$run/pki
cd "$run"

# A /sys of this network namespace, and in it the cgroup (v1) trees of this cgroup namespace.
mounted=$(ls /sys/fs/cgroup)
umount -l -R /sys; mount -t sysfs sysfs /sys; mount -t tmpfs cgroup /sys/fs/cgroup
for c in $mounted; do
  case $c in unified) continue;; systemd) o=none,name=systemd;; *) o=$c;; esac
  mkdir "/sys/fs/cgroup/$c"; mount -t cgroup -o "$o" cgroup "/sys/fs/cgroup/$c"
done
# The fixed folders that container software writes to are the node's own, and empty at each start.
for d in /run /var/log /srv; do mount -t tmpfs tmpfs $d; done
mkdir /run/lock /run/cni-state /srv/volumes
mount --bind "$run/volumes" /srv/volumes    # for hostPath volumes: this survives a stop
mount --make-rshared /

hostname node1
ip link set lo up
ip link add node0 type bridge               # not every kernel has dummy interfaces; a bridge without ports is one as well
ip address add 10.89.0.2/24 dev node0; ip link set node0 up; ip route add default dev node0
echo 1 > /proc/sys/net/ipv4/ip_forward
# Without this an answer from a pod to another pod on the same bridge skips the service's address translation.
echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables

names=() pids=()
start() { names+=("$1"); "${@:2}" > "$run/log/$1.log" 2>&1 & pids+=($!); }
pods() { find /sys/fs/cgroup/pids/kubepods -name cgroup.procs -exec cat {} + 2>/dev/null || true; }
# gone COMMAND...: waits up to 10 s for the command to print nothing
gone() { for _ in {1..40}; do [ -n "$("$@")" ] || return 0; sleep 0.25; done; }
running() { ps -o pid= -p "$1" || true; }
stop() {
  trap '' TERM
  # The kubelet first, or it starts the containers again, and etcd last: stopped at once, the API server and etcd wait for each other.
  kill -TERM "$kubelet" 2>/dev/null || true; gone running "$kubelet"
  kill -TERM $(pods) 2>/dev/null || true; gone pods
  for i in "${!pids[@]}"; do [ "${names[i]}" = etcd ] || kill -TERM "${pids[i]}" 2>/dev/null || true; done
  gone running "${pids[2]}"
  kill -TERM "${pids[0]}" 2>/dev/null || true; gone running "${pids[0]}"
  exit 0
}
kubelet=0; trap stop TERM

start etcd "$bin/etcd" --name node1 --data-dir "$run/etcd" --log-level warn --client-cert-auth --trusted-ca-file "$pki/etcd-ca.crt" \
  --cert-file "$pki/etcd.crt" --key-file "$pki/etcd.key" --listen-client-urls https://127.0.0.1:2379 --advertise-client-urls https://127.0.0.1:2379 \
  --peer-client-cert-auth --peer-trusted-ca-file "$pki/etcd-ca.crt" --peer-cert-file "$pki/etcd.crt" --peer-key-file "$pki/etcd.key" \
  --listen-peer-urls https://127.0.0.1:2380 --initial-advertise-peer-urls https://127.0.0.1:2380 --initial-cluster node1=https://127.0.0.1:2380
start containerd containerd -c "$run/conf/containerd.toml"
start kube-apiserver "$bin/kube-apiserver" --secure-port "$api_port" --advertise-address 10.89.0.2 --anonymous-auth=false --allow-privileged \
  --etcd-servers https://127.0.0.1:2379 --etcd-cafile "$pki/etcd-ca.crt" --etcd-certfile "$pki/etcd-client.crt" --etcd-keyfile "$pki/etcd-client.key" \
  --tls-cert-file "$pki/apiserver.crt" --tls-private-key-file "$pki/apiserver.key" --client-ca-file "$pki/ca.crt" \
  --kubelet-certificate-authority "$pki/ca.crt" --kubelet-preferred-address-types InternalIP \
  --kubelet-client-certificate "$pki/apiserver-kubelet-client.crt" --kubelet-client-key "$pki/apiserver-kubelet-client.key" \
  --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction --profiling=false \
  --service-account-key-file "$pki/service-account.pub" --service-account-signing-key-file "$pki/service-account.key" \
  --service-account-issuer https://kubernetes.default.svc.cluster.local \
  --service-cluster-ip-range 10.96.0.0/16 --service-node-port-range "$node_ports" \
  --requestheader-client-ca-file "$pki/front-proxy-ca.crt" --requestheader-allowed-names front-proxy-client \
  --requestheader-username-headers X-Remote-User --requestheader-group-headers X-Remote-Group --requestheader-extra-headers-prefix X-Remote-Extra- \
  --proxy-client-cert-file "$pki/front-proxy-client.crt" --proxy-client-key-file "$pki/front-proxy-client.key"
# Wait for RBAC's own roles too: a controller-manager that starts before them ends at once.
until curl -s --cacert "$pki/ca.crt" --cert "$pki/admin.crt" --key "$pki/admin.key" "https://127.0.0.1:$api_port/readyz" | grep -qx ok; do sleep 0.5; done
start kubelet "$bin/kubelet" --config "$run/conf/kubelet.yaml" --kubeconfig "$pki/kubelet.kubeconfig" --node-ip 10.89.0.2 --root-dir "$run/kubelet"
kubelet=${pids[-1]}
for c in controller-manager scheduler; do
  more=()
  [ $c = scheduler ] || more=(--root-ca-file "$pki/ca.crt" --service-account-private-key-file "$pki/service-account.key" --use-service-account-credentials
    --cluster-signing-cert-file "$pki/ca.crt" --cluster-signing-key-file "$pki/ca.key"
    --pvclaimbinder-sync-period 2s)   # a claim that is seen before its volume waits for the next round, 15 s by default
  start kube-$c "$bin/kube-$c" --kubeconfig "$pki/kube-$c.kubeconfig" --authentication-kubeconfig "$pki/kube-$c.kubeconfig" \
    --authorization-kubeconfig "$pki/kube-$c.kubeconfig" --bind-address 127.0.0.1 --leader-elect=false --profiling=false "${more[@]}"
done
start kube-proxy "$bin/kube-proxy" --config "$run/conf/kube-proxy.yaml"

# One part that ends takes the node down, so nobody works on half of one.
ended=0; wait -n "${pids[@]}" || ended=$?
for i in "${!pids[@]}"; do kill -0 "${pids[i]}" 2>/dev/null || echo "${names[i]} ended (exit $ended): see log/${names[i]}.log"; done
stop
