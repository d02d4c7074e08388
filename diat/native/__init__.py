"""The native stage: a network's fields change the photograph's own pixels. Pure functions of arrays, no torch."""
