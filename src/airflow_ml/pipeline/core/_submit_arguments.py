"""Arguments that submitting a pipeline and a published one have in common."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml._refusals import refuse_unknown
from airflow_ml.exceptions import GraphError, NotSupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import warnings
    from collections.abc import Mapping
else:
    warnings = late("warnings")

__all__ = ["refuse_arguments", "submitted_values"]

_MEANINGLESS = ("credential_passthrough", "enable_email_notification", "parent_run_id")


def refuse_arguments(arguments: Mapping[str, object]) -> None:
    """Refuse what submit does not know (a ValueError in v1 too), and what has no meaning here."""
    refuse_unknown(arguments, where="submit", known=_MEANINGLESS, error=GraphError)
    for name, value in arguments.items():
        if value:
            raise NotSupportedError(f"submit: {name}={value!r} is not supported; leave it out")


def submitted_values(values: Mapping[str, object] | None, old: Mapping[str, object] | None) -> Mapping[str, object]:
    """Return the values of parameters, by v1's name or, with a warning, by its older one (`pipeline_params`)."""
    if old is not None:
        warnings.warn("submit: pipeline_params is the old name of pipeline_parameters", stacklevel=4)
    if values is not None:
        return values
    return {} if old is None else old
