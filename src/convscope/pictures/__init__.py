"""Records to figures and animations: the only place that draws with matplotlib."""
