#!/usr/bin/env bash
# datanode.sh N: run the Nth DataNode of this machine, with its own folder and its own three ports.
set -euo pipefail
n=$1
port() { echo "$MARQUEE_BIND_HOST:$(($1 + n - 1))"; }
exec hdfs datanode \
  -Ddfs.datanode.data.dir="file://$MARQUEE_INSTANCE_DIR/data/datanode$n" \
  -Ddfs.datanode.address="$(port "$MARQUEE_DATANODE_DATA_PORT")" \
  -Ddfs.datanode.http.address="$(port "$MARQUEE_DATANODE_HTTP_PORT")" \
  -Ddfs.datanode.ipc.address="$(port "$MARQUEE_DATANODE_IPC_PORT")"
