"""Collections of a workspace that read the registry when they are looked into."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from airflow_ml.exceptions import UserErrorException

__all__ = ["LazyMapping", "NamesOnly"]

Item = TypeVar("Item")


class LazyMapping(Mapping[str, Item]):
    """
    What a workspace has of one kind, by name.

    Args:
        load: reads all of them; called once, when somebody goes through the names.
        find: reads one; None if there is none of that name. Without it all are read.
    """

    def __init__(
        self, load: Callable[[], Mapping[str, Item]], find: Callable[[str], Item | None] | None = None
    ) -> None:
        self._load = load
        self._find = find
        self._loaded: Mapping[str, Item] | None = None

    def __getitem__(self, name: str) -> Item:
        if self._find is None or self._loaded is not None:
            return self._all()[name]
        found = self._find(name)
        if found is None:
            raise KeyError(name)
        return found

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        try:
            self[name]
        except KeyError:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> Mapping[str, Item]:
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded

    def __repr__(self) -> str:
        return repr(dict(self._all()))


class NamesOnly(Mapping[str, Item]):
    """
    What stands for a collection while Airflow parses a DAG file: any name may be asked for, none is looked up.

    Args:
        what: the collection, for errors.
        make: makes the object of a name.
    """

    def __init__(self, what: str, make: Callable[[str], Item]) -> None:
        self._what = what
        self._make = make

    def __getitem__(self, name: str) -> Item:
        return self._make(name)

    def __contains__(self, name: object) -> bool:
        # Whether it is there is asked in the run; a file that asks here wants to use it.
        return isinstance(name, str)

    def __iter__(self) -> Iterator[str]:
        raise self._no_listing()

    def __len__(self) -> int:
        raise self._no_listing()

    def __repr__(self) -> str:
        return f"<{self._what}: names are looked up in the run>"

    def _no_listing(self) -> UserErrorException:
        return UserErrorException(
            f"{self._what}: cannot be listed while Airflow parses the DAG file, which must not touch a database; ask "
            "for a name, or list them in a task"
        )
