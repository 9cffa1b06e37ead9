"""One step from inputs to committed outputs: `attempt.run_step` tells the story."""
