"""
Searching for parameters and models (`azureml.train`).

The descriptions of a search (`hyperdrive` expressions, samplings, policies) are plain data and work; what would run
one raises NotSupportedError with the way out that works today.
"""
