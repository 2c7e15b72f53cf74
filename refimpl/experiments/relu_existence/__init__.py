"""Reproductions of the papers on the existence of optimal shallow ReLU networks; each module is one of `refimpl reproduce`."""
