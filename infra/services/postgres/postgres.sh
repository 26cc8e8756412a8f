#!/usr/bin/env bash
# postgres.sh prepare | run | databases: one PostgreSQL for the metastore, Airflow, MLflow and accounts, below $MARQUEE_INSTANCE_DIR/data/postgres.
# Started by root it runs as Debian's user `postgres`, since PostgreSQL refuses root.
set -euo pipefail
data=$MARQUEE_INSTANCE_DIR/data/postgres
# A server reads the files of its own version alone: those that are there decide, else the newest that is installed.
if [ -f "$data/PG_VERSION" ]; then
  bin=/usr/lib/postgresql/$(<"$data/PG_VERSION")/bin
  [ -x "$bin/postgres" ] || { echo "$data was made by PostgreSQL $(<"$data/PG_VERSION"), which is not installed: install it." >&2; exit 69; }
else
  bin=$(printf '%s\n' /usr/lib/postgresql/*/bin/postgres | sort -V | tail -n 1)
  bin=${bin%/postgres}
  [ -x "$bin/postgres" ] || { echo "PostgreSQL is not installed: run 'make install'." >&2; exit 69; }
fi

owner=()
if [ "$(id -u)" = 0 ]; then
  owner=(setpriv --reuid=postgres --regid=postgres --init-groups)
  # A checkout below a folder that only root may enter (/root): allow the server to pass through it, and nothing else.
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
    # Where it is for other hosts too: those of its own networks.
    case "$MARQUEE_BIND_HOST" in
      127.* | localhost) ;;
      *) grep -q "^host all all samenet" "$data/pg_hba.conf" || echo "host all all samenet scram-sha-256" >>"$data/pg_hba.conf" ;;
    esac
    ;;
  run)
    cd /
    # The password of the settings may be another one than at the last start. It comes by standard input, as all of them do here: every
    # user of the machine can read arguments.
    digest=$(printf %s "$MARQUEE_POSTGRES_PASSWORD" | sha256sum)
    stamp=$data/marquee-password.sha256
    if [ "$(cat "$stamp" 2>/dev/null)" != "$digest" ]; then
      printf "ALTER ROLE postgres PASSWORD '%s'\n" "${MARQUEE_POSTGRES_PASSWORD//\'/\'\'}" \
        | "${owner[@]}" "$bin/postgres" --single -D "$data" -c log_min_messages=warning -c log_min_error_statement=panic postgres >/dev/null
      (umask 077 && echo "$digest" >"$stamp")
    fi
    # SIGINT is PostgreSQL's fast shutdown; supervisor sends it (services.py).
    exec "${owner[@]}" "$bin/postgres" -D "$data" -p "$MARQUEE_POSTGRES_PORT" -c listen_addresses="$MARQUEE_BIND_HOST" \
      -c unix_socket_directories= -c shared_buffers=64MB -c max_connections=120 -c log_min_messages=warning
    ;;
  databases)
    for _ in $(seq 300); do
      "$bin/pg_isready" -q -h "$MARQUEE_POSTGRES_HOST" -p "$MARQUEE_POSTGRES_PORT" && break
      sleep 0.2
    done
    "$bin/pg_isready" -h "$MARQUEE_POSTGRES_HOST" -p "$MARQUEE_POSTGRES_PORT" >/dev/null
    for name in metastore airflow mlflow accounts; do
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
