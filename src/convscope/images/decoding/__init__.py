"""Decode an image file to values, or give the reason of failure."""
