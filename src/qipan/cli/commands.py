"""The commands, in the order of `qipan --help`. A command joins the list with its room."""

import argparse
from collections.abc import Callable
from typing import Any

AddParser = Callable[["argparse._SubParsersAction[Any]"], None]

ADD_PARSERS: tuple[AddParser, ...] = ()
