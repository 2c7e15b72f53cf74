"""The claims H1 to H32 on minimum hyperspherical energy: the definition they are held to, then the energy, its minima, networks."""

from refimpl.claims.hyperspherical_energy import definition, energy, minima, networks

__all__ = ["definition", "energy", "minima", "networks"]
