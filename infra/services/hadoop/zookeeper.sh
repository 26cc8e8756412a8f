#!/usr/bin/env bash
# zookeeper.sh: run this machine's member of ZooKeeper. Its number is its place in MARQUEE_QUORUM.
set -euo pipefail
folder=$MARQUEE_INSTANCE_DIR/data/zookeeper
number=$(tr ' ' '\n' <<<"$MARQUEE_QUORUM" | grep -nxF "$(hostname)" | cut -d: -f1) ||
  { echo "zookeeper.sh: MARQUEE_QUORUM=$MARQUEE_QUORUM does not name this machine, $(hostname). Correct it." >&2; exit 64; }
mkdir -p "$folder"
echo "$number" >"$folder/myid"
exec hadoop zookeeper "$HADOOP_CONF_DIR/zookeeper.properties"
