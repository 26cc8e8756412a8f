#!/usr/bin/env bash
# mlflow.sh: the tracking server and model registry; runs in PostgreSQL, artifacts below $MARQUEE_INSTANCE_DIR/data/mlflow, served by proxy.
set -euo pipefail
# Not as an argument, which every user of the machine can read.
export MLFLOW_BACKEND_STORE_URI=$MARQUEE_MLFLOW_DATABASE
exec mlflow server --host "$MARQUEE_BIND_HOST" --port "$MARQUEE_MLFLOW_PORT" --workers 1 \
  --artifacts-destination "$MARQUEE_INSTANCE_DIR/data/mlflow"
