#!/usr/bin/env bash
# build.sh FOLDER: build the node's programs from the locked Go modules here, and print the folder that holds them.
# A build is kept in FOLDER under the digest of the sources and the toolchain. A build that exists is used as it is.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
digest=$(cd "$here" && { go env GOVERSION GOARCH; find . -name '*.go' -o -name 'go.mod' -o -name 'go.sum' -o -name build.sh -o -name image.sh | LC_ALL=C sort | xargs sha256sum; } | sha256sum | cut -c1-16)
built=$(cd "$1" && pwd)/$digest
exec 3>"$1/lock"
flock 3
if [ -e "$built/done" ]; then
  echo "$built"
  exit
fi
echo "Building Kubernetes and its companions. The first build takes both cores for 6 to 14 minutes." >&2
rm -rf "$built"
mkdir -p "$built"/{bin,images}
export GOFLAGS='-mod=readonly -trimpath -buildvcs=false' GOTOOLCHAIN=local
release=$(sed -n 's/^\tk8s.io\/kubernetes v//p' "$here/kubenode/go.mod")
minor=${release#*.}
version=k8s.io/component-base/version
build() { nice -n 10 go -C "$here/$1" build -o "$built/bin/$2" -ldflags "-s -w ${4:-}" "$3" >&2; }
build kubenode kubenode . "-X $version.gitVersion=v$release -X $version.gitMajor=1 -X $version.gitMinor=${minor%.*} -X $version.gitTreeState=clean"
for part in etcd kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet kubectl; do
  ln -s kubenode "$built/bin/$part"
done
export CGO_ENABLED=0
build kubenode forward ./forward
build kubenode pause ./pause
build coredns coredns .
build metrics-server metrics-server .

# image PROGRAM USER: an image that holds one static program.
image() {
  local folder
  folder=$(mktemp -d)
  chmod 755 "$folder"
  install -m 755 "$built/bin/$1" "$folder/$1"
  "$here/image.sh" "docker.io/marquee-node/$1:1" "$folder" "$built/images/$1.tar" "{\"Entrypoint\":[\"/$1\"],\"User\":\"$2:$2\"}"
  rm -r "$folder"
}
image pause 65535
image coredns 65532
image metrics-server 65532
touch "$built/done"
echo "$built"
