"""Features: what the stages of a trained network make of pictures, as vectors for any other classifier."""
