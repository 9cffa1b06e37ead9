# PostgreSQL as Debian has it: a database for Airflow, and one for the workspaces.
ARG BASE_IMAGE=python:3.11-slim-bookworm
FROM ${BASE_IMAGE}
RUN apt-get update --quiet && DEBIAN_FRONTEND=noninteractive apt-get install --quiet --yes --no-install-recommends \
    postgresql && rm -rf /var/lib/apt/lists/*
COPY start-postgres.sh /
EXPOSE 5432
STOPSIGNAL SIGINT
ENTRYPOINT ["bash", "/start-postgres.sh"]
