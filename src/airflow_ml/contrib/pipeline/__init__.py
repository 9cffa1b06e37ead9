"""Where ParallelRunStep was before v1 took it into `azureml.pipeline.steps` (`azureml.contrib.pipeline`)."""
