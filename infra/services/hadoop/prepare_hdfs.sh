#!/usr/bin/env bash
# prepare_hdfs.sh format: format an empty NameNode. Of two, the second one copies what the first one has.
# prepare_hdfs.sh folders: settle a restored HDFS, create its folders and upload the Tez archive, once for each version of the archive.
set -euo pipefail

# The NameNode that this one copies: the other of two, if it answers or if this is the second, which waits for the first.
other_namenode() {
  local first=${MARQUEE_MASTERS%% *} other
  [ -n "$MARQUEE_MASTERS" ] || return 1
  other=$(tr ' ' '\n' <<<"$MARQUEE_MASTERS" | grep -vxF "$(hostname)")
  for _ in $(seq 180); do
    (exec 3<>"/dev/tcp/$other/$MARQUEE_NAMENODE_RPC_PORT") 2>/dev/null && return 0
    [ "$(hostname)" != "$first" ] || return 1
    sleep 1
  done
  echo "prepare_hdfs.sh: the NameNode on $other does not answer. Start it first." >&2
  exit 69
}

case "${1:-}" in
  format)
    if [ -f "$MARQUEE_INSTANCE_DIR/data/namenode/current/VERSION" ]; then
      exit 0
    elif other_namenode; then
      hdfs namenode -bootstrapStandby -nonInteractive
    else
      hdfs namenode -format -nonInteractive -clusterId marquee
      [ -z "$MARQUEE_MASTERS" ] || hdfs zkfc -formatZK -nonInteractive
    fi
    ;;
  folders)
    restored=$MARQUEE_INSTANCE_DIR/data/hdfs-restored
    if [ -f "$restored" ]; then
      python3 -m infra.services.hadoop.settle_restored_hdfs "$MARQUEE_WEBHDFS_URL" "$MARQUEE_DATANODES" 180
      rm "$restored"
    fi
    python3 infra/services/hadoop/wait_for_hdfs.py "$MARQUEE_WEBHDFS_URL" "$MARQUEE_DATANODES" 180
    archive=$MARQUEE_SOFTWARE/hive/tez.tar.gz
    stamp=$MARQUEE_INSTANCE_DIR/data/hdfs-folders.done
    if [ "$(cat "$stamp" 2>/dev/null)" != "$(sha256sum <"$archive")" ]; then
      # Create all folders in one command: each `hdfs dfs` starts a JVM and takes seconds.
      hdfs dfs -mkdir -p /apps/tez /marquee /user/"$MARQUEE_USER" /tmp/hive /tmp/tez /warehouse/managed /warehouse/external
      hdfs dfs -chmod 1777 /tmp /tmp/hive
      hdfs dfs -put -f "$archive" /apps/tez/tez.tar.gz
      sha256sum <"$archive" >"$stamp"
    fi
    ;;
  *)
    echo "usage: prepare_hdfs.sh format | folders" >&2
    exit 64
    ;;
esac
