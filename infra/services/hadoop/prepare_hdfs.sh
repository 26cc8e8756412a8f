#!/usr/bin/env bash
# prepare_hdfs.sh format | folders: formats an empty NameNode; settles a restored one, makes HDFS's folders and uploads the Tez archive
# (once a version).
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
      # One JVM for everything: each `hdfs dfs` costs seconds.
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
