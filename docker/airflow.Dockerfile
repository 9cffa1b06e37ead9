# Airflow with airflow-ml, for every part of it. Any Debian-like image with Python 3.10 to 3.13 can be the base; the
# context is the repository.
ARG BASE_IMAGE=python:3.11-slim-bookworm
FROM ${BASE_IMAGE}
ARG AIRFLOW_VERSION=3.3.2
# Extras of airflow-ml: `kubernetes postgres` for KubernetesExecutor.
ARG EXTRAS="celery postgres"
ENV PATH=/opt/python/bin:${PATH} UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_NO_CACHE=1

# What does not change with every edit comes first. Of the package this layer has its requirements alone.
WORKDIR /opt/source
COPY setup.py pyproject.toml README.md LICENSE ./
COPY src/airflow_ml/_version.py src/airflow_ml/_version.py
COPY src/airflow_ml/compat/airflow_ml_compat.pth src/airflow_ml/compat/airflow_ml_compat.pth
COPY docker/requirements.py docker/requirements.py
RUN python3 -m venv /opt/python && pip install --quiet --no-cache-dir "setuptools>=77" uv \
    && python docker/requirements.py ${EXTRAS} > /tmp/requirements.txt \
    && uv pip install --quiet --python /opt/python/bin/python \
        "apache-airflow==${AIRFLOW_VERSION}" --requirement /tmp/requirements.txt

COPY src src
COPY operators operators
COPY plugins plugins
RUN uv pip install --quiet --python /opt/python/bin/python --no-deps .

COPY docker/start.sh docker/healthy.py docker/prepare.py /opt/airflow-ml/
ENV AIRFLOW_HOME=/opt/airflow HOME=/opt/airflow
# Whoever calls `make up` is who the parts run as, so the folder must be everybody's.
RUN mkdir -p /opt/airflow/dags && chmod -R 0777 /opt/airflow
WORKDIR /opt/airflow
ENTRYPOINT ["bash", "/opt/airflow-ml/start.sh"]
