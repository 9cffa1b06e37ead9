"""What v1's clients said of themselves in requests to Azure (`azureml._base_sdk_common.user_agent`)."""

from __future__ import annotations

__all__ = ["append"]


def append(product_name: str, product_version: str | None = None, comment: str | None = None) -> None:
    """Do nothing: packages built on v1 say their name for requests that are not made here."""
