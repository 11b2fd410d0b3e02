"""The reader of torch modules."""
