"""The commands as Python functions, one file a verb: what the command line calls and ``convscope.`` offers."""
