"""What readers build a graph with, and what tidies it."""
