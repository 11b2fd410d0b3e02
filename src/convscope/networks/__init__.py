"""Stages to networks: the layout and its plan, the network that computes, its file, and what it predicts."""
