#!/usr/bin/env bash
# Make the cluster and its databases when the volume is new, then be the server.
set -euo pipefail
. /run/secrets/airflow_ml

binaries=$(dirname "$(ls -d /usr/lib/postgresql/*/bin/postgres | tail -n 1)")
data=/var/lib/postgresql/data
run() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }

mkdir -p $data
chown -R postgres:postgres /var/lib/postgresql
if [ ! -s $data/PG_VERSION ]; then
    password=$(mktemp)
    printf '%s' "$POSTGRES_PASSWORD" >"$password"
    chown postgres "$password"
    run "$binaries/initdb" --pgdata=$data --username=airflow --pwfile="$password" --auth=scram-sha-256 --encoding=UTF8
    rm "$password"
    # Before anybody can connect, without a network and as the one who may.
    for name in airflow airflow_ml; do
        echo "CREATE DATABASE $name" | run "$binaries/postgres" --single -D $data postgres >/dev/null
    done
    echo "host all all all scram-sha-256" >>$data/pg_hba.conf
fi
exec setpriv --reuid=postgres --regid=postgres --init-groups "$binaries/postgres" -D $data \
    -c listen_addresses='*' -c max_connections=200 -c unix_socket_directories=/tmp
