"""The page that runs a network and shows every number in it, as one HTML file."""
