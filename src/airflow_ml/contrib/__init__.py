"""
Parts of v1 that were never finished there (`azureml.contrib`): the names that notebooks import.

Under the alias other packages may add theirs: `azureml.contrib.X` of an installed distribution is found.
"""
