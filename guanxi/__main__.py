"""Run the command line as ``python -m guanxi``."""

from guanxi.cli import main

main()
