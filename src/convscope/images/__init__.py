"""Images to tensors: sources, inspection, splits, cache, preprocessing, augmentation."""
