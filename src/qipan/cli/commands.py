"""The commands, in the order of `qipan --help`. A command joins the list with its room."""

import argparse
from collections.abc import Callable
from typing import Any

from qipan.cli import (
    audit,
    backup,
    bench,
    chains,
    day,
    decide,
    demo,
    export,
    import_,
    init,
    replay,
    restore,
    rulebook,
    serve,
    user,
    worker,
)

AddParser = Callable[["argparse._SubParsersAction[Any]"], None]

ADD_PARSERS: tuple[AddParser, ...] = (
    demo.add_parser,
    init.add_parser,
    user.add_parser,
    serve.add_parser,
    worker.add_parser,
    day.add_parser,
    import_.add_parser,
    export.add_parser,
    chains.add_parser,
    decide.add_parser,
    replay.add_parser,
    rulebook.add_parser,
    audit.add_parser,
    backup.add_parser,
    restore.add_parser,
    bench.add_parser,
)
