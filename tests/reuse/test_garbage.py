"""Places that are needed."""

import json

from airflow_ml.reuse.garbage import Places, places_in_json


def test_places_are_found_in_at_and_around():
    """A place is needed if it, something in it, or something around it is."""
    places = Places([("local:/s/a/b", "x"), ("local:/s/c", "y")])

    asked = ["local:/s/a/b", "local:/s/a/b/c", "local:/s/a", "local:/s/a/bc", "local:/s/cc", "local:/s/c/d", "local:/t"]
    assert [places.find(place) for place in asked] == ["x", "x", "x", None, None, "y", None]


def test_all_places_of_a_graph_are_seen():
    """Data references, definitions of datasets, and values of parameters name places."""
    data = {"a": [{"datastore": "s", "path": "p"}], "b": {"c": "datastore://t/q/r"}, "d": "dataset://x@1"}

    assert list(places_in_json(json.loads(json.dumps(data)))) == [("s", "p"), ("t", "q/r")]
