"""Network and images to a trained network: recipe, the one loop, checkpoints, history and report."""
