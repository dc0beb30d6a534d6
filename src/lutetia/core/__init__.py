"""Ground: quantities at the edge, errors, atomic files, named random streams, work in parts. No domain knowledge."""

from .errors import BadInput, CouldNot, LutetiaError, near_matches
from .files import finite_or_none, inside, sha256_file, staged_folder, to_json, write_atomic
from .parallel import run_chunks
from .quantities import is_kind, parse, show
from .randomness import stream, stream_seed

__all__ = [
    "BadInput", "CouldNot", "LutetiaError", "finite_or_none", "inside", "is_kind", "near_matches", "parse", "run_chunks",
    "sha256_file", "show", "staged_folder", "stream", "stream_seed", "to_json", "write_atomic",
]
