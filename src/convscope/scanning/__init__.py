"""A network at every position of an image of any size: dense conversion, tiles, files and the receipt."""
