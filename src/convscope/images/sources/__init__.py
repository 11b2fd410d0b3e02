"""Sources of images: folders, lists, arrays, IDX files and named datasets, behind one interface."""
