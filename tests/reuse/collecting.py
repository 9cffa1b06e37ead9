"""What tests of collections of garbage share: the terms, and what was found and is there."""

from datetime import datetime, timezone

from airflow_ml.reuse.collection import collect_garbage
from airflow_ml.reuse.garbage import Terms

STORE = "workspaceblobstore"
NOW = datetime.now(timezone.utc)


def collect(context, *, delete=True, **terms):
    """Collect with the usual terms."""
    return collect_garbage(context, Terms(**terms), delete=delete)


def found(collection):
    """Return kind and run of each piece."""
    return [(item.kind, item.run_id) for item in collection.garbage]


def all_files(store):
    """Return the paths of all files of a store, ours too."""
    return {place.relative_to(store.root).as_posix() for place in store.root.rglob("*") if place.is_file()}
