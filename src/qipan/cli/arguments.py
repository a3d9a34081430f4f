"""The parser of the commands, and the types of options that several commands share."""

import argparse
from datetime import date
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """A parser that answers bad usage in one line, as every other bad input is answered; exit code 2."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where the usage is to be found."""
        line = " ".join(message.split())
        self.exit(2, f"qipan: {line} (see {self.prog} --help)\n")


def local_day(text: str) -> date:
    """A date as an option takes it. Raises argparse's own error, which says what a date looks like."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:  # nor weeks, nor digits without dashes
        raise argparse.ArgumentTypeError(f"{text} is not a date (YYYY-MM-DD, for example 2022-07-20)")
    return day
