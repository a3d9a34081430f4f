"""qipan (棋盘): a city and its counties keep an infectious disease out, see it early and stop it."""

__version__ = "0.1.0"
