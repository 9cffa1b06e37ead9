"""What `Experiment.submit` and `Run.submit_child` say about what they cannot start."""

from __future__ import annotations

import pytest

from airflow_ml.core import Experiment, Workspace
from airflow_ml.core._submission import check_submittable
from airflow_ml.exceptions import GraphError, NotSupportedError, UserErrorException
from airflow_ml.pipeline.core import StepSequence


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("HyperDriveConfig", "a ScriptRunConfig for each set of values"),
        ("AutoMLConfig", "a ScriptRunConfig whose script"),
    ],
)
def test_other_configurations_of_v1_are_not_available(name: str, advice: str) -> None:
    """Each is refused in one sentence with what to do instead; a subclass is refused like its base."""
    config = type("Mine", (type(name, (), {}),), {})()

    with pytest.raises(NotSupportedError, match=f"experiment 'e': submitting a Mine is not available; .*{advice}"):
        check_submittable(config, where="experiment 'e'")


def test_parts_of_a_pipeline_are_named() -> None:
    """Steps without a pipeline around them are refused with the line that is missing."""
    with pytest.raises(UserErrorException, match=r"cannot be submitted; submit Pipeline\(workspace, steps=...\) of it"):
        check_submittable([1], where="experiment 'e'")


def test_a_sequence_of_steps_is_a_pipeline(workspace: Workspace) -> None:
    """It can be submitted, but not below another run; without steps it is refused like a pipeline without."""
    check_submittable(StepSequence([]), where="experiment 'e'")

    with pytest.raises(NotSupportedError, match="a pipeline's run is not below another"):
        check_submittable(StepSequence([]), where="run 'r'", is_child=True)
    with pytest.raises(GraphError, match="steps is empty"):
        Experiment(workspace, "e").submit(StepSequence([]))


def test_any_other_object_is_named_by_its_type() -> None:
    """The error says which type was given, and what is taken."""
    with pytest.raises(UserErrorException, match="run 'r': a int cannot be submitted; submit a Pipeline or a Script"):
        check_submittable(3, where="run 'r'")
