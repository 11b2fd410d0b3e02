"""Decoded images kept on disk: entries that are whole or not there."""
