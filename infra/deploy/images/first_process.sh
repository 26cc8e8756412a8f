#!/usr/bin/env bash
# first_process.sh COMMAND [ARGUMENTS]: run a command as the child of a container's first process, as `init: true` has Docker do.
# Kubernetes has no such setting. The first process inherits what other processes leave behind, and a JVM never waits for it: each
# container of YARN would leave a line in the table of processes.
set -uo pipefail
# With job control a child in the background hears SIGINT and SIGQUIT, which would else be ignored.
set -m
"$@" &
child=$!
trap 'kill -TERM "$child" 2>/dev/null' TERM INT
# A signal ends `wait` early.
while
  wait "$child"
  status=$?
  kill -0 "$child" 2>/dev/null
do :; done
exit "$status"
