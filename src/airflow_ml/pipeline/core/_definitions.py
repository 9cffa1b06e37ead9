"""
Ports and parameters of a module's definition (`azureml.pipeline.core.graph.InputPortDef` and its neighbours).

Plain values, as in v1: nothing is checked here, but where `Module` takes them.
"""

from __future__ import annotations

from airflow_ml._refusals import refuse_unknown
from airflow_ml.exceptions import GraphError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_ml.graph import Json
    from airflow_ml.pipeline.core._training_output import TrainingOutput

__all__ = ["InputPortDef", "OutputPortDef", "ParamDef"]


class InputPortDef:
    """
    One input of a module.

    Args:
        data_types: None means `AnyFile` and `AnyDirectory`.
        default_datastore_mode: how the data is delivered when nothing else is said.
    """

    def __init__(
        self,
        name: str,
        data_types: Sequence[str] | None = None,
        default_datastore_mode: str | None = None,
        default_path_on_compute: str | None = None,
        is_optional: bool = False,
        default_overwrite: bool | None = None,
        default_data_reference_name: str | None = None,
        is_resource: bool = False,
        label: str | None = None,
        additional_transformations: Mapping[str, Json] | None = None,
        **kwargs: object,
    ) -> None:
        refuse_unknown(kwargs, where=f"input {name!r}", error=GraphError)
        self._name = name
        self._data_types = ["AnyFile", "AnyDirectory"] if data_types is None else list(data_types)
        self._default_datastore_mode = default_datastore_mode
        self._default_path_on_compute = default_path_on_compute
        self._is_optional = is_optional
        self._default_overwrite = default_overwrite
        self._default_data_reference_name = default_data_reference_name
        self._is_resource = is_resource
        self._label = label
        self._additional_transformations = additional_transformations

    @property
    def name(self) -> str:
        """The input's name."""
        return self._name

    @property
    def data_types(self) -> list[str]:
        """The types of data that the input takes."""
        return list(self._data_types)

    @property
    def default_datastore_mode(self) -> str | None:
        """How the data is delivered when nothing else is said."""
        return self._default_datastore_mode

    @property
    def default_path_on_compute(self) -> str | None:
        """Where the data lies in the step when nothing else is said."""
        return self._default_path_on_compute

    @property
    def is_optional(self) -> bool:
        """Whether the module runs without the input."""
        return self._is_optional

    @property
    def default_overwrite(self) -> bool | None:
        """Whether a download replaces what is there when nothing else is said."""
        return self._default_overwrite

    @property
    def default_data_reference_name(self) -> str | None:
        """The name of the data reference when nothing else is said."""
        return self._default_data_reference_name

    @property
    def is_resource(self) -> bool:
        """Whether the input lands in the script's working directory."""
        return self._is_resource

    @property
    def label(self) -> str | None:
        """What people are shown instead of the name."""
        return self._label

    @property
    def additional_transformations(self) -> Mapping[str, Json] | None:
        """How a table is read from the files."""
        return self._additional_transformations


class OutputPortDef:
    """
    One output of a module.

    Args:
        data_type: None means `AnyFile`, or `AnyDirectory` with `is_directory`.
    """

    def __init__(
        self,
        name: str,
        default_datastore_name: str | None = None,
        default_datastore_mode: str | None = None,
        default_path_on_compute: str | None = None,
        is_directory: bool = False,
        data_type: str | None = None,
        default_overwrite: bool | None = None,
        training_output: TrainingOutput | None = None,
        label: str | None = None,
    ) -> None:
        self._name = name
        self._default_datastore_name = default_datastore_name
        self._default_datastore_mode = default_datastore_mode
        self._default_path_on_compute = default_path_on_compute
        self._is_directory = is_directory
        self._data_type = data_type or ("AnyDirectory" if is_directory else "AnyFile")
        self._default_overwrite = default_overwrite
        self._training_output = training_output
        self._label = label

    @property
    def name(self) -> str:
        """The output's name."""
        return self._name

    @property
    def default_datastore_name(self) -> str | None:
        """The datastore when nothing else is said."""
        return self._default_datastore_name

    @property
    def default_datastore_mode(self) -> str | None:
        """How the data is taken when nothing else is said."""
        return self._default_datastore_mode

    @property
    def default_path_on_compute(self) -> str | None:
        """Where the script writes when nothing else is said."""
        return self._default_path_on_compute

    @property
    def is_directory(self) -> bool:
        """Whether the output is a folder."""
        return self._is_directory

    @property
    def data_type(self) -> str:
        """The type of the data."""
        return self._data_type

    @property
    def default_overwrite(self) -> bool | None:
        """Whether an upload replaces what is there when nothing else is said."""
        return self._default_overwrite

    @property
    def training_output(self) -> TrainingOutput | None:
        """What of a training run the output holds."""
        return self._training_output

    @property
    def label(self) -> str | None:
        """What people are shown instead of the name."""
        return self._label


class ParamDef:
    """
    One parameter of a module; its attributes are its arguments.

    Args:
        set_env_var: the script finds the value in its environment, under `AML_PARAMETER_<name>` unless
            `env_var_override` names another variable.
    """

    def __init__(
        self,
        name: str,
        default_value: object = None,
        is_metadata_param: bool = False,
        is_optional: bool = False,
        set_env_var: bool = False,
        calculate_hash: bool = True,
        env_var_override: str | None = None,
    ) -> None:
        self.name = name
        self.default_value = default_value
        self.is_metadata_param = is_metadata_param
        self.is_optional = is_optional
        self.set_env_var = set_env_var
        self.calculate_hash = calculate_hash
        self.env_var_override = env_var_override
