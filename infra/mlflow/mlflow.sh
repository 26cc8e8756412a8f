#!/usr/bin/env bash
# mlflow.sh: the tracking server and model registry; runs in PostgreSQL, artifacts below $MARQUEE_INSTANCE_DIR/data/mlflow, served by proxy.
set -euo pipefail
exec mlflow server --host "$MARQUEE_BIND_HOST" --port "$MARQUEE_MLFLOW_PORT" --workers 1 \
  --backend-store-uri "postgresql+psycopg2://mlflow:$MARQUEE_POSTGRES_PASSWORD@$MARQUEE_POSTGRES_HOST:$MARQUEE_POSTGRES_PORT/mlflow" \
  --artifacts-destination "$MARQUEE_INSTANCE_DIR/data/mlflow"
