"""Records as self-contained HTML pages that open no connection."""
