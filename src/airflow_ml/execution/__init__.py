"""One step from inputs to committed outputs: `step_attempt.run_step` tells the story."""
