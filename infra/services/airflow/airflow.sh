#!/usr/bin/env bash
# airflow.sh prepare: create Airflow's tables, pools and login. Run it by hand after an upgrade to migrate the tables.
set -euo pipefail
case "${1:-}" in
  prepare)
    mkdir -p "$AIRFLOW_HOME"
    passwords=$AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE
    (umask 077 && python3 -c 'import json, os; print(json.dumps({os.environ["MARQUEE_AIRFLOW_USER"]: os.environ["MARQUEE_AIRFLOW_PASSWORD"]}))' >"$passwords.new")
    mv "$passwords.new" "$passwords"
    stamp=$AIRFLOW_HOME/prepared
    version=$(sha256sum <"$MARQUEE_HOME/requirements/platform.txt")
    [ "$(cat "$stamp" 2>/dev/null)" = "$version" ] && exit 0
    airflow db migrate
    # Concurrent INSERTs into a new dynamic partition lose rows (HIVE-29744), so allow one writer at a time.
    airflow pools set hive_writer 1 "One writer of Hive tables at a time"
    echo "$version" >"$stamp"
    ;;
  *)
    echo "usage: airflow.sh prepare" >&2
    exit 64
    ;;
esac
