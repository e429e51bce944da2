"""The paper's table and figures rerun: `sweeps.toml` says what, each module does one step of it."""
