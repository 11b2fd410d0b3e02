"""What every other folder stands on: errors, files, records, the machine, optional packages, progress."""
