"""Why it works: networks of many kinds on the same pictures, with the same budget."""
