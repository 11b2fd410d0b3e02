"""What graphs are read from: files and modules of other programs."""
