import sys

from qipan.cli.main import main

sys.exit(main())
