"""The operators of ATen, as `torch.export` writes them, as calls of the builder."""
