"""Where images come from: folders, lists, arrays, IDX files, named sets, behind one interface."""
