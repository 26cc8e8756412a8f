#!/usr/bin/env bash
# postgres.sh prepare | run | databases: one PostgreSQL for the metastore, Airflow, MLflow, accounts and reviews.
# Its files are in $MARQUEE_INSTANCE_DIR/data/postgres. If root starts it, it runs as Debian's user `postgres`, because PostgreSQL refuses root.
set -euo pipefail
data=$MARQUEE_INSTANCE_DIR/data/postgres
# A server reads only files of its own version. Use the version of the existing files, or else the newest one installed.
if [ -f "$data/PG_VERSION" ]; then
  bin=/usr/lib/postgresql/$(<"$data/PG_VERSION")/bin
  [ -x "$bin/postgres" ] || { echo "$data was made by PostgreSQL $(<"$data/PG_VERSION"), which is not installed. Install that version." >&2; exit 69; }
else
  bin=$(printf '%s\n' /usr/lib/postgresql/*/bin/postgres | sort -V | tail -n 1)
  bin=${bin%/postgres}
  [ -x "$bin/postgres" ] || { echo "PostgreSQL is not installed. Run 'make install'." >&2; exit 69; }
fi

owner=()
if [ "$(id -u)" = 0 ]; then
  owner=(setpriv --reuid=postgres --regid=postgres --init-groups)
  # The checkout may be below a folder that only root may enter, such as /root. Allow the server to read through it, and nothing else.
  "${owner[@]}" test -x "$MARQUEE_INSTANCE_DIR" || owner+=(--inh-caps=+dac_read_search --ambient-caps=+dac_read_search)
fi

sql() { PGPASSWORD=$MARQUEE_POSTGRES_PASSWORD "$bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$MARQUEE_POSTGRES_HOST" -p "$MARQUEE_POSTGRES_PORT" -U postgres -d postgres "$@"; }

case "${1:-}" in
  prepare)
    if [ ! -f "$data/PG_VERSION" ]; then
      mkdir -p "$data"
      chmod 700 "$data"
      password=$(mktemp)
      trap 'rm -f "$password"' EXIT
      printf '%s\n' "$MARQUEE_POSTGRES_PASSWORD" >"$password"
      [ "$(id -u)" != 0 ] || chown postgres: "$data" "$password"
      cd /
      "${owner[@]}" "$bin/initdb" -D "$data" -U postgres -A scram-sha-256 -E UTF8 --locale=C --pwfile="$password" >/dev/null
    fi
    # If it listens for other hosts, allow those of its own networks, or all.
    case "$MARQUEE_BIND_HOST" in
      127.* | localhost) ;;
      *) grep -q "^host all all $MARQUEE_POSTGRES_CLIENTS " "$data/pg_hba.conf" || echo "host all all $MARQUEE_POSTGRES_CLIENTS scram-sha-256" >>"$data/pg_hba.conf" ;;
    esac
    ;;
  run)
    cd /
    # Set the password if it has changed since the last start. This script passes passwords by standard input or in the environment,
    # because every user of the machine can read arguments.
    digest=$(printf %s "$MARQUEE_POSTGRES_PASSWORD" | sha256sum)
    stamp=$data/marquee-password.sha256
    if [ "$(cat "$stamp" 2>/dev/null)" != "$digest" ]; then
      printf "ALTER ROLE postgres PASSWORD '%s'\n" "${MARQUEE_POSTGRES_PASSWORD//\'/\'\'}" \
        | "${owner[@]}" "$bin/postgres" --single -D "$data" -c log_min_messages=warning -c log_min_error_statement=panic postgres >/dev/null
      (umask 077 && echo "$digest" >"$stamp")
    fi
    # On SIGINT PostgreSQL shuts down fast. supervisor sends that signal (infra/control/services.py).
    exec "${owner[@]}" "$bin/postgres" -D "$data" -p "$MARQUEE_POSTGRES_PORT" -c listen_addresses="$MARQUEE_BIND_HOST" \
      -c unix_socket_directories= -c shared_buffers=64MB -c max_connections=120 -c log_min_messages=warning
    ;;
  databases)
    for _ in $(seq 300); do
      "$bin/pg_isready" -q -h "$MARQUEE_POSTGRES_HOST" -p "$MARQUEE_POSTGRES_PORT" && break
      sleep 0.2
    done
    "$bin/pg_isready" -h "$MARQUEE_POSTGRES_HOST" -p "$MARQUEE_POSTGRES_PORT" >/dev/null
    for name in metastore airflow mlflow accounts reviews; do
      sql -tAc "SELECT 1 FROM pg_roles WHERE rolname = '$name'" | grep -q 1 || sql -c "CREATE ROLE $name LOGIN"
      printf '%s\n' '\getenv password MARQUEE_POSTGRES_PASSWORD' "ALTER ROLE $name PASSWORD :'password'" | sql
      sql -tAc "SELECT 1 FROM pg_database WHERE datname = '$name'" | grep -q 1 || sql -c "CREATE DATABASE $name OWNER $name"
    done
    ;;
  *)
    echo "usage: postgres.sh prepare | run | databases" >&2
    exit 64
    ;;
esac
