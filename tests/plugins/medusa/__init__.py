"""The plugin for Medusa: on the real server, and by itself where that cannot misbehave."""
