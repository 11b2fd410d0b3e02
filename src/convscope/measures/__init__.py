"""Network and images → records: what is measured prints, plots and serves as one and the same record."""
