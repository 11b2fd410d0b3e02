"""The campaign: damaged files of every kind, kills and full disks, each evaluated by whether convscope keeps its word.

``python -m tests.fuzz --help`` says how it is run; ``make fuzz`` runs it for hours.
"""
