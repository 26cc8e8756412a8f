#!/usr/bin/env bash
# mlflow.sh: run the tracking server and model registry. PostgreSQL holds the runs. The server stores and serves artifacts
# below $MARQUEE_INSTANCE_DIR/data/mlflow.
set -euo pipefail
# Pass the address in the environment: it holds a password, and every user of the machine can read arguments.
export MLFLOW_BACKEND_STORE_URI=$MARQUEE_MLFLOW_DATABASE
exec mlflow server --host "$MARQUEE_BIND_HOST" --port "$MARQUEE_MLFLOW_PORT" --workers 1 \
  --artifacts-destination "$MARQUEE_INSTANCE_DIR/data/mlflow"
