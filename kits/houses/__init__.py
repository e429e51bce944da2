"""A world of drawn houses: an example of a world described by a TOML file."""
