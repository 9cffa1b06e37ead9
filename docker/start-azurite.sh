#!/usr/bin/env bash
# Be the server, with the one account that `make up` has made a key for.
set -euo pipefail
. /run/secrets/airflow_ml
export AZURITE_ACCOUNTS="airflowml:$BLOB_KEY"
exec azurite-blob --blobHost 0.0.0.0 --location /data --disableTelemetry --skipApiVersionCheck --silent
