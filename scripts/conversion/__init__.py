"""From checkpoints of other programs to model files: `statedict` reads them, `layouts` says what they are."""
