"""The foundation of all other folders: errors, files, records, the machine, optional packages, progress."""
