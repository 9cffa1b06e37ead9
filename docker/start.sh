#!/usr/bin/env bash
# Be a part of Airflow. Secrets come from a file that only these containers have, so that `docker inspect` shows none.
set -euo pipefail
. /run/secrets/airflow_ml

export AIRFLOW__CORE__FERNET_KEY=$FERNET_KEY
export AIRFLOW__API__SECRET_KEY=$API_SECRET_KEY
export AIRFLOW__API_AUTH__JWT_SECRET=$JWT_SECRET
export AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=postgresql+psycopg2://airflow:$POSTGRES_PASSWORD@postgres/airflow
export AIRFLOW__CELERY__RESULT_BACKEND=db+$AIRFLOW__DATABASE__SQL_ALCHEMY_CONN
export AIRFLOW__CELERY__BROKER_URL=redis://:$REDIS_PASSWORD@redis:6379/0
export AIRFLOW_ML_REGISTRY=postgresql://airflow@postgres/airflow_ml
export AIRFLOW_ML_REGISTRY_PASSWORD=$POSTGRES_PASSWORD
export BLOB_KEY

# An account without a name has no home for some programs; this one's is Airflow's.
export USER=airflow LOGNAME=airflow

if [ "$1" = prepare ]; then
    airflow db migrate
    exec python /opt/airflow-ml/prepare.py
elif [ "$1" = healthy ]; then
    exec python /opt/airflow-ml/healthy.py "$2"
fi
exec airflow "$@"
