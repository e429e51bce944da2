"""A sentence becomes a goal: what to reach, from where, in which regions."""
