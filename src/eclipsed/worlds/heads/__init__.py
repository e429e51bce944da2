"""The heads world: people drawn in three dimensions, with continuous attributes."""
