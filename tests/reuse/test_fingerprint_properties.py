"""Any single change that can change a result flips the fingerprint, and no other change does."""

import pytest
from hypothesis import given, settings
from strategies import CHANGES, FILES, NO_CHANGES, Case, cases

from airflow_ml.graph import from_json, to_json
from airflow_ml.reuse.fingerprint import fingerprint_step
from airflow_ml.reuse.input_identity import InputIdentities


@pytest.fixture(scope="module")
def find(steady_context):
    """Function that returns the digest of a case in one workspace whose data never changes."""
    for path, text in FILES.items():
        steady_context.store("blobs").write(path, text.encode())
    identities = InputIdentities(steady_context)
    return lambda case: fingerprint_step(case.step, case.graph, case.facts, identities).digest


@given(case=cases())
@settings(deadline=None, max_examples=60)
def test_changes_of_what_counts(find, case: Case):
    """A change that can change the result changes the fingerprint."""
    changed = {name: change(case) for name, change in CHANGES.items()}
    found = {name: find(other) for name, other in changed.items() if other not in (None, case)}

    assert [name for name, digest in found.items() if digest == find(case)] == []


@given(case=cases())
@settings(deadline=None, max_examples=60)
def test_changes_of_what_does_not_count(find, case: Case):
    """A change that cannot change the result leaves the fingerprint."""
    changed = {name: change(case) for name, change in NO_CHANGES.items()}
    found = {name: find(other) for name, other in changed.items() if other is not None}

    assert [name for name, digest in found.items() if digest != find(case)] == []


@given(case=cases())
@settings(deadline=None, max_examples=20)
def test_a_stored_graph(find, case: Case):
    """A graph that was written as JSON and read back has the fingerprints that it had."""
    assert find(Case(from_json(to_json(case.graph)).steps[0], case.facts, case.parameters)) == find(case)
