"""What the units of a network respond to, and what the network loses without them."""
