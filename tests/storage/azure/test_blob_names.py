"""Names as they are kept by a service that takes a backslash for a slash."""

from hypothesis import given
from hypothesis import strategies as st

from airflow_ml.storage.azure.blob_names import decoded, encoded

NAMES = st.text(st.sampled_from("ab/.\\\uff3c\u201b"), max_size=12)


@given(NAMES)
def test_every_name_has_one_form(name):
    """No two names are kept as one, and what is kept has no backslash."""
    assert decoded(encoded(name)) == name
    assert "\\" not in encoded(name)


@given(NAMES.map(lambda name: name.replace("\\", "")))
def test_every_blob_has_one_name(name):
    """Also one that another tool has named so."""
    assert encoded(decoded(name)) == name
