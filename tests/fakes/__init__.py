"""Doubles of the other side: real servers on loopback, with the state and the faults of real ones."""
