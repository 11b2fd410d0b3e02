"""Why it works: networks of many kinds on the same images, with the same budget."""
