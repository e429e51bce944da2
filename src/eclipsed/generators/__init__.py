"""Generators, one file per family, all behind `eclipsed.types.Generator`."""
