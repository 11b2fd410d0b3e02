"""The version of convscope."""

__version__ = "0.1.0"
