"""Features: what the stages of a trained network make of images, as vectors for any other classifier."""
