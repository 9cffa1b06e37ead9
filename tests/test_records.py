"""Records behave as the frozen dataclasses that checkers take them for."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import TYPE_CHECKING

import pytest

from airflow_ml._records import compile_records, copied

if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace
else:
    from airflow_ml._records import dataclass, field, replace


@dataclass(frozen=True)
class Point:
    """A record with a default, and one that is made anew."""

    x: int
    y: int = 2
    marks: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """The sum."""
        return self.x + self.y


@dataclass(frozen=True)
class Named(Point):
    """A record below another."""

    name: str = "p"


def test_values_come_by_position_name_or_default() -> None:
    """A record is made as a dataclass is; a default that is made anew is nobody else's."""
    first, second = Point(1), Point(x=1, y=2)

    first.marks["a"] = 1
    assert (first.x, first.y, first.total) == (1, 2, 3)
    assert second.marks == {}


@pytest.mark.parametrize("arguments", [{}, {"x": 1, "z": 2}])
def test_wrong_names_are_refused(arguments: dict[str, int]) -> None:
    """A missing and an unknown field raise TypeError, as with dataclasses."""
    with pytest.raises(TypeError, match=r"'[xz]'"):
        Point(**arguments)


def test_too_many_or_doubled_values_are_refused() -> None:
    """A value for which there is no field, and one that is given twice, raise TypeError."""
    with pytest.raises(TypeError):
        Point(1, 2, {}, 4)  # type: ignore[call-arg]  # what is tested
    with pytest.raises(TypeError, match="'x'"):
        Point(1, x=2)  # type: ignore[misc]  # what is tested


def test_equal_values_of_one_class_are_equal() -> None:
    """Records compare and hash by class and values."""
    assert Point(1, 2) == Point(1)
    assert Named(1) != Point(1)
    assert repr(Point(1)) == "Point(x=1, y=2, marks={})"
    assert hash(dataclasses.replace(Point(1), marks=())) == hash(dataclasses.replace(Point(1), marks=()))  # type: ignore[arg-type]  # hashable


def test_records_cannot_be_changed() -> None:
    """Setting or deleting a field raises what frozen dataclasses raise."""
    point = Point(1)

    with pytest.raises(dataclasses.FrozenInstanceError, match="'x'"):
        point.x = 2  # type: ignore[misc]  # what is tested
    with pytest.raises(dataclasses.FrozenInstanceError, match="'x'"):
        del point.x


def test_standard_library_takes_them_for_dataclasses() -> None:
    """`fields`, `replace`, `asdict` and `is_dataclass` work, for records below others too."""
    assert [item.name for item in dataclasses.fields(Named)] == ["x", "y", "marks", "name"]
    assert dataclasses.fields(Point)[1].default == 2
    assert dataclasses.replace(Named(1), name="q") == replace(Named(1), name="q") == Named(1, name="q")
    assert dataclasses.asdict(Point(1)) == {"x": 1, "y": 2, "marks": {}}
    assert dataclasses.is_dataclass(Point(1))


def test_records_match_by_position() -> None:
    """A record can be taken apart in a match statement."""
    match Point(1, 5):
        case Point(x, y):
            assert (x, y) == (1, 5)
        case _:
            pytest.fail("the record did not match")


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value)), copied])
def test_copies_are_equal(again) -> None:
    """Records can be copied and pickled."""
    assert again(Named(1, name="q")) == Named(1, name="q")


def test_compiled_records_are_the_same() -> None:
    """A process that forks for DAG files has faster constructors and no other records."""

    @dataclass(frozen=True)
    class Pair:
        left: int
        right: dict[str, int] = field(default_factory=dict)

    before = Pair(1)
    compile_records()

    assert Pair(1) == before
    assert Pair(left=1, right={"a": 1}).right == {"a": 1}
    with pytest.raises(TypeError):
        Pair()  # type: ignore[call-arg]  # what is tested
    with pytest.raises(dataclasses.FrozenInstanceError):
        before.left = 2  # type: ignore[misc]  # what is tested


def test_only_frozen_records_are_made() -> None:
    """A class that shall be changeable is told to be a real dataclass."""
    with pytest.raises(TypeError, match=r"dataclasses\.dataclass"):

        @dataclass(frozen=False)
        class _Open:
            x: int
