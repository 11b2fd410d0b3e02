"""Changes of an image with a strength in a unit; at strength 0 nothing changes, to the bit."""
