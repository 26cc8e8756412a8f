#!/usr/bin/env bash
# certificates.sh FOLDER API-PORT: make the node's three authorities, its certificates and kubeconfigs, once.
# The keys are RSA, because kubelet and kubectl do not read every form of EC key that openssl writes.
set -euo pipefail
umask 077
mkdir -p "$1"
cd "$1"
port=$2
[ ! -e done ] || exit 0
printf '[req]\ndistinguished_name=dn\n[dn]\n' >openssl.cnf
make() { openssl req -config openssl.cnf -x509 -newkey rsa:2048 -nodes -sha256 "$@" 2>/dev/null; }
authority() {
  make -days 3650 -keyout "$1.key" -out "$1.crt" -subj "/CN=$1" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
}
# certificate NAME AUTHORITY SUBJECT USAGE [NAMES]
certificate() {
  make -days 365 -CA "$2.crt" -CAkey "$2.key" -keyout "$1.key" -out "$1.crt" -subj "$3" -addext basicConstraints=CA:FALSE \
    -addext keyUsage=critical,digitalSignature,keyEncipherment -addext "extendedKeyUsage=$4" ${5:+-addext "subjectAltName=$5"}
}
kubeconfig() {
  local authority certificate key
  authority=$(base64 -w0 ca.crt) certificate=$(base64 -w0 "$1.crt") key=$(base64 -w0 "$1.key")
  cat >"$1.kubeconfig" <<C
apiVersion: v1
kind: Config
clusters: [{name: node1, cluster: {server: "https://127.0.0.1:$port", certificate-authority-data: $authority}}]
users: [{name: $1, user: {client-certificate-data: $certificate, client-key-data: $key}}]
contexts: [{name: $1@node1, context: {cluster: node1, user: $1}}]
current-context: $1@node1
C
}
for name in ca etcd-ca front-proxy-ca; do authority $name; done
certificate etcd etcd-ca /CN=etcd serverAuth,clientAuth IP:127.0.0.1
certificate etcd-client etcd-ca /CN=kube-apiserver clientAuth
certificate front-proxy-client front-proxy-ca /CN=front-proxy-client clientAuth
certificate apiserver ca /CN=kube-apiserver serverAuth \
  IP:127.0.0.1,IP:10.89.0.2,IP:10.96.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local
certificate apiserver-kubelet-client ca /CN=kube-apiserver-kubelet-client clientAuth
certificate kubelet-server ca /CN=node1 serverAuth IP:10.89.0.2,DNS:node1
certificate metrics-server ca /CN=metrics-server serverAuth DNS:metrics-server.kube-system.svc
certificate admin ca /O=system:masters/CN=admin clientAuth
certificate kubelet ca /O=system:nodes/CN=system:node:node1 clientAuth
for part in controller-manager scheduler; do certificate kube-$part ca /CN=system:kube-$part clientAuth; done
certificate kube-proxy ca /CN=system:kube-proxy clientAuth
for name in admin kubelet kube-controller-manager kube-scheduler kube-proxy; do kubeconfig $name; done
openssl genrsa -out service-account.key 2048 2>/dev/null
openssl rsa -in service-account.key -pubout -out service-account.pub 2>/dev/null
touch done
