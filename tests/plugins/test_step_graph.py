"""Where steps are drawn."""

from itertools import pairwise

from airflow_ml.plugins.step_graph import HEIGHT, WIDTH, draw


def test_a_step_stands_below_everything_that_it_needs() -> None:
    """Its layer is the longest way to it."""
    drawing = draw({"a": (), "b": ("a",), "c": ("a", "b")})

    heights = [drawing.nodes[step][1] for step in "abc"]
    assert heights == sorted(set(heights))
    assert len(drawing.edges) == 3


def test_no_two_steps_share_a_place() -> None:
    """Boxes of one layer stand side by side, and all lie within the drawing."""
    wide = {"root": (), **{f"s{number}": ("root",) for number in range(12)}, "end": [f"s{n}" for n in range(12)]}

    drawing = draw(wide)

    boxes = sorted((y, x) for x, y in drawing.nodes.values())
    for (y, x), (next_y, next_x) in pairwise(boxes):
        assert next_y >= y + HEIGHT or next_x >= x + WIDTH
    assert all(x + WIDTH <= drawing.width and y + HEIGHT <= drawing.height for x, y in drawing.nodes.values())


def test_a_long_edge_has_a_lane_of_its_own() -> None:
    """An edge over several layers passes beside the steps between, not through them."""
    drawing = draw({"a": (), "b": ("a",), "c": ("b",), "d": ("c", "a")})

    long_edge = next(edge for edge in drawing.edges if edge.count("L") == 2)
    lane = int(long_edge.split(" L")[1].split()[0])
    between = drawing.nodes["b"][0]
    assert not between <= lane <= between + WIDTH


def test_nothing_is_drawn_of_nothing() -> None:
    """A pipeline without steps has an empty drawing."""
    assert draw({}).nodes == {}
