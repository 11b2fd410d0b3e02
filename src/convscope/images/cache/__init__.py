"""Decoded images cached on disk: an entry is complete or absent."""
