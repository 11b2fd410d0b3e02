"""Tests of training from a trained network."""
