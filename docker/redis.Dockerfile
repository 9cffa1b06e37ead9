# Redis as Debian has it, the broker of Celery.
ARG BASE_IMAGE=python:3.11-slim-bookworm
FROM ${BASE_IMAGE}
RUN apt-get update --quiet && DEBIAN_FRONTEND=noninteractive apt-get install --quiet --yes --no-install-recommends \
    redis-server && rm -rf /var/lib/apt/lists/*
COPY start-redis.sh /
EXPOSE 6379
ENTRYPOINT ["bash", "/start-redis.sh"]
