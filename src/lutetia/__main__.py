"""`python -m lutetia`."""

from .cli import main

main()
