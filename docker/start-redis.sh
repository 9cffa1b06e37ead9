#!/usr/bin/env bash
# Be the server; the password goes in by standard input, so that no list of processes shows it.
set -euo pipefail
. /run/secrets/airflow_ml
exec setpriv --reuid=redis --regid=redis --init-groups redis-server - --bind 0.0.0.0 --dir /tmp --save "" \
    < <(echo "requirepass $REDIS_PASSWORD")
