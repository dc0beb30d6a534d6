"""lutetia: radioligand therapy, from the scanner's files to absorbed dose with its uncertainty."""

__version__ = "0.1.0"
