"""Stores of a workspace that may read this machine's own web servers."""

from airflow_ml.storage.web import WebStore
from airflow_ml.storage.web_access import WebAccess


class KnownStores:
    """What datasets are read from."""

    web = WebStore(WebAccess(("127.0.0.1",)))

    def __init__(self, stores=()):
        """Take the stores that there are all the same, by name."""
        self._stores = dict(stores)

    def __call__(self, name):
        """Return the store of that name."""
        return self._stores[name]


#: Without datastores.
WEB_ONLY = KnownStores()
