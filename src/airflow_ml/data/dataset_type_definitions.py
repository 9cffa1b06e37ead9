"""Constants about how tables are read (`azureml.data.dataset_type_definitions`)."""

from __future__ import annotations

from enum import Enum

__all__ = ["PromoteHeadersBehavior"]


class PromoteHeadersBehavior(Enum):
    """Which delimited files begin with a line of column names."""

    NO_HEADERS = 0
    ONLY_FIRST_FILE_HAS_HEADERS = 1
    COMBINE_ALL_FILES_HEADERS = 2
    ALL_FILES_HAVE_SAME_HEADERS = 3
