#!/usr/bin/env bash
# image.sh NAME:TAG FOLDER FILE CONFIG: write a folder as an image of one layer, without a daemon.
# ctr, docker, minikube and kind load the file. CONFIG is the image's configuration as JSON, such as {"User":"65532"}.
set -euo pipefail
name=$1 folder=$2 file=$3 config=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -C "$folder" -cf "$work/layer.tar" .
layer=$(sha256sum "$work/layer.tar" | cut -d' ' -f1)
printf '{"architecture":"amd64","os":"linux","config":%s,"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' "$config" "$layer" >"$work/config.json"
printf '[{"Config":"config.json","RepoTags":["%s"],"Layers":["layer.tar"]}]' "$name" >"$work/manifest.json"
tar -C "$work" -cf "$file" manifest.json config.json layer.tar
