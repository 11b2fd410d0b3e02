"""Records to figures and animations: the only place that draws with matplotlib."""

from .settings import import_matplotlib

import_matplotlib()
