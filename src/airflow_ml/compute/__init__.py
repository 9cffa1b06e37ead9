"""Where steps run: sizes of machines, environments with the packages of a step, launchers of its process."""
