# Azurite, the emulator of Azure Blob: a blob store for trying things out, in the place of a storage account.
ARG NODE_IMAGE=node:22-bookworm-slim
FROM ${NODE_IMAGE}
ARG AZURITE_VERSION=3.37.0
RUN npm install --global --no-audit --no-fund --loglevel=error azurite@${AZURITE_VERSION} && npm cache clean --force
COPY start-azurite.sh /
EXPOSE 10000
ENTRYPOINT ["bash", "/start-azurite.sh"]
