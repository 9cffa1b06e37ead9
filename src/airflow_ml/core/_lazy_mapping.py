"""Collections of a workspace that read the registry when they are looked into."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_ml.exceptions import UserErrorException

if TYPE_CHECKING:
    from _collections_abc import dict_items, dict_keys, dict_values

__all__ = ["LazyMapping", "NamesOnly"]

Item = TypeVar("Item")


class LazyMapping(dict[str, Item]):
    """
    What a workspace has of one kind, by name; a dict, as in v1, because users' code asks whether it is one.

    The dict below stays empty: everything is read from the registry, and nothing can be put in.

    Args:
        load: reads all of them; called once, when somebody goes through the names.
        find: reads one; None if there is none of that name. Without it all are read.
    """

    def __init__(
        self, load: Callable[[], Mapping[str, Item]], find: Callable[[str], Item | None] | None = None
    ) -> None:
        super().__init__()
        self._load = load
        self._find = find
        self._loaded: dict[str, Item] | None = None

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

    def __eq__(self, other: object) -> bool:
        return self._all() == (other._all() if isinstance(other, LazyMapping) else other)

    __hash__ = None  # as any dict's

    def __setitem__(self, name: str, item: Item) -> None:
        raise UserErrorException(f"{name!r}: the collection only shows what the workspace has; register it there")

    def get(self, name: str, default: object = None) -> Any:
        """Return one by its name, or the default."""
        try:
            return self[name]
        except KeyError:
            return default

    def keys(self) -> dict_keys[str, Item]:
        """Return the names."""
        return self._all().keys()

    def values(self) -> dict_values[str, Item]:
        """Return the objects."""
        return self._all().values()

    def items(self) -> dict_items[str, Item]:
        """Return names and objects."""
        return self._all().items()

    def copy(self) -> dict[str, Item]:
        """Return a plain dict of them."""
        return dict(self._all())

    def _all(self) -> dict[str, Item]:
        if self._loaded is None:
            self._loaded = dict(self._load())
        return self._loaded

    def __repr__(self) -> str:
        return repr(self._all())


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
