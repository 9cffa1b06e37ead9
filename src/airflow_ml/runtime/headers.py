"""Which delimited files begin with a line of column names (`azureml.data.dataset_type_definitions`)."""

from __future__ import annotations

from enum import Enum

from airflow_ml.exceptions import UserErrorException

__all__ = ["PromoteHeadersBehavior", "header_word"]


class PromoteHeadersBehavior(Enum):
    """Which delimited files begin with a line of column names."""

    NO_HEADERS = 0
    ONLY_FIRST_FILE_HAS_HEADERS = 1
    COMBINE_ALL_FILES_HEADERS = 2
    ALL_FILES_HAVE_SAME_HEADERS = 3


_WORDS = {
    PromoteHeadersBehavior.NO_HEADERS: "none",
    PromoteHeadersBehavior.ONLY_FIRST_FILE_HAS_HEADERS: "first",
    PromoteHeadersBehavior.COMBINE_ALL_FILES_HEADERS: "combine",
    PromoteHeadersBehavior.ALL_FILES_HAVE_SAME_HEADERS: "all_same",
}


def header_word(header: bool | PromoteHeadersBehavior, *, where: str) -> str:
    """Return the definition's word for v1's `header`; raises UserErrorException for another type."""
    if isinstance(header, bool):
        return "all_same" if header else "none"
    if isinstance(header, PromoteHeadersBehavior):
        return _WORDS[header]
    raise UserErrorException(f"{where}: header {header!r} is neither a bool nor a PromoteHeadersBehavior")
