"""A snapshot as a zip file, which is how v1 gives it back."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

from airflow_ml.exceptions import ServiceException
from airflow_ml.snapshots.materialise import materialise
from airflow_ml.snapshots.protocol import Store

__all__ = ["write_zip"]

#: Of every entry: a snapshot has no times, and equal snapshots give equal files. The first one that zip knows.
_TIME = (1980, 1, 1, 0, 0, 0)


def write_zip(store: Store, snapshot_id: str, target: Path) -> None:
    """
    Write a snapshot's files into a zip file, which is there whole or not at all; one that is there is replaced.

    Raises:
        ServiceException: the snapshot is missing or damaged, or `target` cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as folder:
            code, packed = Path(folder, "code"), Path(folder, "packed.zip")
            files = materialise(store, snapshot_id, code)
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                for file in files:
                    entry = zipfile.ZipInfo(file.path, _TIME)
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    entry.external_attr = (0o100755 if file.executable else 0o100644) << 16
                    archive.writestr(entry, (code / file.path).read_bytes())
            packed.replace(target)
    except OSError as exc:
        raise ServiceException(f"snapshot {snapshot_id!r}: cannot be written to {str(target)!r}: {exc}") from exc
