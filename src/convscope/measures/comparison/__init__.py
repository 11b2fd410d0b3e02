"""Comparison of variants of a network on the same images, with the same training budget."""
