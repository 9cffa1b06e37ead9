"""The errors and v1's way of reading them."""

import pickle

import pytest

from airflow_ml import exceptions
from airflow_ml.exceptions import (
    ActivityFailedException,
    AuthenticationException,
    AzureMLAggregatedException,
    AzureMLException,
    ComputeTargetException,
    DatasetTimestampMissingError,
    ParallelRunException,
    UserErrorException,
    WebserviceException,
    WorkspaceException,
)

#: What `azureml.exceptions` offers.
_V1_NAMES = [
    "ActivityFailedException",
    "AuthenticationException",
    "AzureMLAggregatedException",
    "AzureMLException",
    "ComputeTargetException",
    "DatasetTimestampMissingError",
    "DiscoveryUrlNotFoundException",
    "ExperimentExecutionException",
    "ModelNotFoundException",
    "ModelPathNotFoundException",
    "ParallelRunException",
    "ProjectSystemException",
    "RunConfigurationException",
    "RunEnvironmentException",
    "ServiceException",
    "SnapshotException",
    "TrainingException",
    "UserErrorException",
    "WebserviceException",
    "WorkspaceException",
    "WorkspacePrivateEndpointException",
]


@pytest.mark.parametrize("name", _V1_NAMES)
def test_every_name_of_v1_is_an_azureml_exception(name):
    """One `except AzureMLException` catches them all."""
    assert issubclass(getattr(exceptions, name), AzureMLException)
    assert name in exceptions.__all__


def test_an_error_has_a_message_and_an_inner_error():
    """Both can be read and set, and the text is the message alone."""
    inner = ValueError("below")
    error = UserErrorException("what happened", inner_exception=inner)
    error.message = "something else"

    assert error.inner_exception is inner
    assert str(error) == error.message == "something else"
    assert isinstance(vars(AzureMLException)["message"], property)


def test_arguments_of_the_service_are_taken():
    """v1's further arguments of an error do no harm."""
    assert str(AzureMLException("text", None, target="t", details="d", reference_code="r")) == "text"


def test_print_stacktrace_shows_where(capsys):
    """The place of the error goes to standard error."""
    with pytest.raises(UserErrorException) as caught:
        raise UserErrorException("what happened")
    caught.value.print_stacktrace()

    printed = capsys.readouterr().err
    assert "what happened" in printed
    assert "test_exceptions.py" in printed


def test_errors_keep_what_v1_keeps():
    """Attributes beside the message have v1's names."""
    assert AzureMLAggregatedException([ValueError("a"), "b"]).message == "a\nb"
    assert ActivityFailedException("m", error_details="{}").error_details == "{}"
    assert DatasetTimestampMissingError("d").error_details == "d"
    assert WebserviceException("m", status_code=404).status_code == 404
    assert WorkspaceException("m", found_multiple=True).found_multiple
    assert (ParallelRunException("m", code="c").code, ParallelRunException("m").delay_seconds) == ("c", 0)
    assert isinstance(AuthenticationException("m"), UserErrorException)


def test_an_error_crosses_processes():
    """A pickled error has its message, its place and its inner error."""
    error = pickle.loads(pickle.dumps(ComputeTargetException("ComputeTargetNotFound: gone").at("step 'a'")))

    assert str(error) == "step 'a': ComputeTargetNotFound: gone"
    assert isinstance(error.inner_exception, ComputeTargetException)
