#!/usr/bin/env bash
# prepare_hdfs.sh format: format an empty NameNode.
# prepare_hdfs.sh folders: settle a restored HDFS, create its folders and upload the Tez archive, once for each version of the archive.
set -euo pipefail
case "${1:-}" in
  format)
    [ -f "$MARQUEE_INSTANCE_DIR/data/namenode/current/VERSION" ] || hdfs namenode -format -nonInteractive -clusterId marquee
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
