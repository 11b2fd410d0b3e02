"""One image file to pixels, or one sentence why not."""
