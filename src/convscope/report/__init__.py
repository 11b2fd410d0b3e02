"""Records of a run or a comparison as self-contained HTML pages."""
