"""One picture file to pixels, or one sentence why not."""
