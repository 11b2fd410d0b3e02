"""Load many images once, in parallel: record their facts, and write their pixels."""
