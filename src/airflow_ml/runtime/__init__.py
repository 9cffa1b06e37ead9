"""
The library inside a step's process: standard library alone, Python 3.8 and newer.

`protocol` says what a step and its operator tell each other; `run` is what scripts use; `library` writes the folder
through which they find it. The operator's side uses `protocol`, `events`, `channel_server`, `library`, `frames` and
`selection`.
"""
