"""
Where the steps of a pipeline are drawn: in layers from top to bottom, each below everything that it needs.

The usual way (Sugiyama's) in its short form: the longest way to a step is its layer, edges over several layers are
bent around the steps between, and a few sweeps order each layer by what its steps are connected with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

__all__ = ["Drawing", "draw"]

WIDTH, HEIGHT = 216, 58
_GAP_X, _GAP_Y = 28, 46
#: Of the room that an edge takes where it passes a layer.
_LANE = 18
_MARGIN = 8
_SWEEPS = 6

#: A step, or the place where the edge from one step to another passes a layer: a step's id alone, or three parts.
_Place: TypeAlias = "tuple[str, ...]"


@dataclass(frozen=True)
class Drawing:
    """
    Places in pixels.

    Attributes:
        nodes: the upper left corner of each step, by id.
        edges: SVG paths, each from the lower edge of one step to the upper edge of another.
    """

    width: int
    height: int
    nodes: Mapping[str, tuple[int, int]]
    edges: tuple[str, ...]


def draw(upstream: Mapping[str, Sequence[str]]) -> Drawing:
    """
    Return where steps are drawn.

    Args:
        upstream: what each step needs, by id; no step stands before one that it needs.
    """
    ranks = _ranks(upstream)
    edges = [
        _bends(source, target, ranks) for target, sources in upstream.items() for source in sources if source in ranks
    ]
    layers = _layers(ranks, edges)
    for sweep in range(_SWEEPS):
        _order(layers, edges, downwards=sweep % 2 == 0)
    places = _coordinates(layers)
    width = max((x + _width(place) for place, (x, _) in places.items()), default=0) + _MARGIN
    height = _MARGIN * 2 + len(layers) * HEIGHT + max(0, len(layers) - 1) * _GAP_Y
    nodes = {place[0]: position for place, position in places.items() if len(place) == 1}
    return Drawing(width, height, nodes, tuple(_path(edge, places) for edge in edges))


def _ranks(upstream: Mapping[str, Sequence[str]]) -> dict[str, int]:
    ranks: dict[str, int] = {}
    for step, needed in upstream.items():
        ranks[step] = max((ranks[other] + 1 for other in needed if other in ranks), default=0)
    return ranks


def _bends(source: str, target: str, ranks: Mapping[str, int]) -> list[_Place]:
    between = range(ranks[source] + 1, ranks[target])
    return [(source,), *((source, target, str(rank)) for rank in between), (target,)]


def _layers(ranks: Mapping[str, int], edges: Sequence[Sequence[_Place]]) -> list[list[_Place]]:
    layers: list[list[_Place]] = [[] for _ in range(max(ranks.values(), default=-1) + 1)]
    for step, rank in ranks.items():
        layers[rank].append((step,))
    for edge in edges:
        for place in edge[1:-1]:
            layers[int(place[2])].append(place)
    return layers


def _order(layers: list[list[_Place]], edges: Sequence[Sequence[_Place]], *, downwards: bool) -> None:
    """Order each layer by the mean place of what it is connected with in the layer that was ordered before it."""
    connected: dict[_Place, list[_Place]] = {}
    for edge in edges:
        for upper, lower in pairwise(edge):
            here, there = (lower, upper) if downwards else (upper, lower)
            connected.setdefault(here, []).append(there)
    walk = layers if downwards else layers[::-1]
    for before, layer in pairwise(walk):
        places = {place: (index + 0.5) / len(before) for index, place in enumerate(before)}
        own = {place: (index + 0.5) / len(layer) for index, place in enumerate(layer)}

        def weight(place: _Place, places: Mapping[_Place, float] = places, own: Mapping[_Place, float] = own) -> float:
            others = [places[other] for other in connected.get(place, ()) if other in places]
            return sum(others) / len(others) if others else own[place]

        layer.sort(key=weight)


def _coordinates(layers: Sequence[Sequence[_Place]]) -> dict[_Place, tuple[int, int]]:
    """Put each layer in the middle of the drawing."""
    widths = [sum(map(_width, layer)) + _GAP_X * max(0, len(layer) - 1) for layer in layers]
    found: dict[_Place, tuple[int, int]] = {}
    for rank, layer in enumerate(layers):
        x = _MARGIN + (max(widths) - widths[rank]) // 2
        for place in layer:
            found[place] = x, _MARGIN + rank * (HEIGHT + _GAP_Y)
            x += _width(place) + _GAP_X
    return found


def _width(place: _Place) -> int:
    return WIDTH if len(place) == 1 else _LANE


def _path(edge: Sequence[_Place], places: Mapping[_Place, tuple[int, int]]) -> str:
    """Return the SVG path of an edge: curves between layers, straight past the steps of a layer."""
    x, y = _foot(edge[0], places)
    text = f"M{x} {y}"
    for place in edge[1:]:
        to_x, to_y = _foot(place, places)
        top = to_y - HEIGHT
        turn = (y + top) // 2
        text += f" C{x} {turn} {to_x} {turn} {to_x} {top}"
        if len(place) > 1:
            text += f" L{to_x} {to_y}"
        x, y = to_x, to_y
    return text


def _foot(place: _Place, places: Mapping[_Place, tuple[int, int]]) -> tuple[int, int]:
    """Return the middle of the lower edge."""
    x, y = places[place]
    return x + _width(place) // 2, y + HEIGHT
