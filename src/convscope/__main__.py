"""``python -m convscope`` is the command ``convscope``."""

import sys

from convscope.cli import main

sys.exit(main())
