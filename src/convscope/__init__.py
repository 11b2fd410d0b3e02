"""convscope: train convolutional networks on your own pictures and see what every step has learned."""
__version__ = "0.1.0"
