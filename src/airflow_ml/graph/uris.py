"""
How a datastore path or a dataset is written as one string.

`datastore://NAME/PATH` and `dataset://NAME@VERSION` are the values of trigger forms, REST bodies and Airflow params:
always text, never an object, because form objects lose edits. Names never hold `/` or `@`; a path is taken as it is,
so blanks, `%`, `#` and `+` need no quoting. A dataset without a version means the latest; `dataset://id/GUID` names a
saved dataset that has no name.
"""

from __future__ import annotations

from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph.model import DataReferenceSource, DatasetSource

__all__ = ["datapath_uri", "dataset_uri", "parse_datapath", "parse_dataset"]

_DATASTORE = "datastore://"
_DATASET = "dataset://"
_DATASET_ID = "dataset://id/"


def datapath_uri(source: DataReferenceSource) -> str:
    """Write a datastore path as `datastore://name/path`."""
    return f"{_DATASTORE}{source.datastore}/{source.path.lstrip('/')}"


def parse_datapath(text: str, *, where: str) -> DataReferenceSource:
    """
    Read `datastore://name/path`.

    Args:
        where: what the text is the value of, for the error.

    Raises:
        UserErrorException: the text has another form.
    """
    name, slash, path = text.removeprefix(_DATASTORE).partition("/")
    if not text.startswith(_DATASTORE) or not name or not slash:
        raise UserErrorException(f"{where}: {text!r} is not a datastore path; write it as 'datastore://name/path'")
    return DataReferenceSource(datastore=name, path=path)


def dataset_uri(source: DatasetSource) -> str | None:
    """Write a dataset as `dataset://name@version` or `dataset://id/GUID`; None if it has neither name nor id."""
    if source.name is not None:
        return f"{_DATASET}{source.name}@{source.version}"
    return None if source.saved_id is None else f"{_DATASET_ID}{source.saved_id}"


def parse_dataset(text: str, *, where: str) -> DatasetSource:
    """
    Read `dataset://name`, `dataset://name@version` or `dataset://id/GUID`.

    Raises:
        UserErrorException: the text has another form, or the version is neither a number nor `latest`.
    """
    if text.startswith(_DATASET_ID) and len(text) > len(_DATASET_ID):
        return DatasetSource(saved_id=text.removeprefix(_DATASET_ID))
    name, _, version = text.removeprefix(_DATASET).partition("@")
    version = version or "latest"
    if not text.startswith(_DATASET) or not name or "/" in name or not (version == "latest" or version.isdecimal()):
        raise UserErrorException(
            f"{where}: {text!r} is not a dataset; write it as 'dataset://name@version', 'dataset://name@latest' or"
            " 'dataset://id/GUID'"
        )
    return DatasetSource(name=name, version=version)
