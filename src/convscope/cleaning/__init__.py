"""What is wrong with a dataset, found with the features of a network: labels, near-duplicates, outliers, quality."""
