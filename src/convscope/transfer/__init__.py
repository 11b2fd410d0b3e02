"""Training that starts from a trained network: its features, a classifier on them, and both as one model."""
