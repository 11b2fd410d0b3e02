"""Campaigns fork and limit processes as POSIX systems can; elsewhere these tests are left out."""

import os

collect_ignore_glob = [] if os.name == "posix" else ["test_*.py"]
