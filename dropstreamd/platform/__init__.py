"""Everything that a plugin may import, besides `model`, `errors` and `clock`."""
