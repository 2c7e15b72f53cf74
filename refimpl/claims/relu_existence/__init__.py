"""The claims on the existence of optimal shallow networks: the definitions they are held to, then one file a subject."""

from refimpl.claims.relu_existence import canonical, certificates, definition, limits, ramps, responses, risk, splines

__all__ = ["canonical", "certificates", "definition", "limits", "ramps", "responses", "risk", "splines"]
