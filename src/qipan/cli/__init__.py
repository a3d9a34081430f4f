"""The command line: parse, call one service or selector, print. INTERFACES names the commands."""
