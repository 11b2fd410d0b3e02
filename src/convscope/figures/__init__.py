"""Figures and animations of records; the only folder that uses matplotlib."""

from .settings import import_matplotlib

import_matplotlib()
