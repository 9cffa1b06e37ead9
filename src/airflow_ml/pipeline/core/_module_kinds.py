"""Calls of v1's modules that describe steps which are not run here."""

from __future__ import annotations

from airflow_ml.exceptions import NotSupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

    from airflow_ml.core.runconfig import RunConfiguration

__all__ = ["OtherModuleKinds"]


class OtherModuleKinds:
    """What `Module` refuses; each call says what to do instead."""

    @property
    def name(self) -> str:
        """The module's name."""
        raise NotImplementedError

    def publish(
        self,
        description: str | None,
        execution_type: str,
        inputs: Sequence[object],
        outputs: Sequence[object],
        param_defs: Sequence[object] | None = None,
        create_sequencing_ports: bool = True,
        version: str | None = None,
        is_default: bool = False,
        content_path: str | None = None,
        hash_paths: Sequence[str] | None = None,
        category: str | None = None,
        arguments: Sequence[object] | None = None,
        runconfig: RunConfiguration | None = None,
    ) -> NoReturn:
        """Not supported: v1's way to describe a version by its service's own words."""
        raise NotSupportedError(f"module {self.name!r}: publish is not supported; use publish_python_script")

    def publish_adla_script(
        self,
        script_name: str,
        description: str | None,
        inputs: Sequence[object],
        outputs: Sequence[object],
        params: Mapping[str, object] | None = None,
        create_sequencing_ports: bool = True,
        degree_of_parallelism: int | None = None,
        priority: int | None = None,
        runtime_version: str | None = None,
        compute_target: object = None,
        version: str | None = None,
        is_default: bool = False,
        source_directory: str | None = None,
        hash_paths: Sequence[str] | None = None,
        category: str | None = None,
        arguments: Sequence[object] | None = None,
    ) -> NoReturn:
        """Not supported: Azure Data Lake Analytics is no more."""
        raise NotSupportedError(
            f"module {self.name!r}: Azure Data Lake Analytics is no more; write a Python script, and use"
            " publish_python_script"
        )

    def publish_azure_batch(
        self,
        description: str | None,
        compute_target: object,
        inputs: Sequence[object],
        outputs: Sequence[object],
        params: Mapping[str, object] | None = None,
        create_sequencing_ports: bool = True,
        version: str | None = None,
        is_default: bool = False,
        create_pool: bool = False,
        pool_id: str | None = None,
        delete_batch_job_after_finish: bool = False,
        delete_batch_pool_after_finish: bool = False,
        is_positive_exit_code_failure: bool = True,
        vm_image_urn: str = "urn:MicrosoftWindowsServer:WindowsServer:2012-R2-Datacenter",
        run_task_as_admin: bool = False,
        target_compute_nodes: int = 1,
        vm_size: str = "standard_d1_v2",
        executable: str | None = None,
        source_directory: str | None = None,
        category: str | None = None,
        arguments: Sequence[object] | None = None,
    ) -> NoReturn:
        """Not supported: steps run on compute targets of Airflow."""
        raise NotSupportedError(
            f"module {self.name!r}: steps do not run on Azure Batch; let a Python script start the program, and use"
            " publish_python_script"
        )

    @staticmethod
    def module_def_builder(
        name: str,
        description: str | None,
        execution_type: str,
        input_bindings: Sequence[object],
        output_bindings: Sequence[object],
        param_defs: Sequence[object] | None = None,
        create_sequencing_ports: bool = True,
        allow_reuse: bool = True,
        version: str | None = None,
        module_type: str | None = None,
        step_type: str | None = None,
        arguments: Sequence[object] | None = None,
        runconfig: RunConfiguration | None = None,
        cloud_settings: object = None,
    ) -> NoReturn:
        """Not supported: v1's own way to describe a step to its service."""
        raise NotSupportedError("Module.module_def_builder is not supported; use publish_python_script")
