"""``python -m ordersys.cli``: the same as the command ``ordersys``."""

import sys

from ordersys.cli import main

sys.exit(main())
