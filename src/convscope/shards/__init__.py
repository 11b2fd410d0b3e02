"""Work on millions of images: a manifest of shards, one file of results a shard, and engines that run them."""
