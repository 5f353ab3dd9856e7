"""Every request and answer of the control API: what the daemon and its clients share."""
