"""Networks whose weights come inside a package: their layers are written here, so that no code of others runs."""
