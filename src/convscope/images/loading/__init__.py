"""Many images read once, in parallel: their facts noted, their pixels written."""
