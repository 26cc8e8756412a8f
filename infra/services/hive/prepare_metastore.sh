#!/usr/bin/env bash
# prepare_metastore.sh: create the metastore's schema in PostgreSQL, once.
set -euo pipefail
stamp=$MARQUEE_INSTANCE_DIR/data/metastore-schema.done
[ -f "$stamp" ] && exit 0
hive schematool -dbType postgres -info >/dev/null 2>&1 || hive schematool -dbType postgres -initSchema
touch "$stamp"
