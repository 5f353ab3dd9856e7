"""The commands of `dropstreamctl`, by topic, over the daemon's own HTTP API."""
