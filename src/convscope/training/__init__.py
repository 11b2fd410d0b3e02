"""Network and pictures to a trained network: recipe, the one loop, checkpoints, history and report."""
