"""Training in the reduced space: unit weights, bounded thresholds, free outgoing weights.

Everything works on theta = ravel(params)[0], and tells its parts by unravel. Formulas are derived; the abstract names no algorithm.

Reading order
    layout                where the parts are in theta
    thresholds            fold, and X tanh s
    optimisers            descent, momentum, Adam along spheres and intervals
    reparametrise         w = u/|u|, b = X tanh s: for any optimiser, and for L-BFGS-B
    variable_projection   outgoing weights are solved for
    motion                the space as Born-Infeld dynamics takes it
    stationarity          the KKT residual, and how it stops a run
    identities            gradients in both parametrisations; weight decay is an l1 penalty

    symbol         here        shape     meaning
    w_j, b_j       W, b        (m, d)    neurons and thresholds; |w_j| = 1, |b_j| <= X
    c_j, c_0       out         (k, m)    outgoing weights; every entry that is none of a hidden layer's is free
    X              radius                one for all hidden layers, or one for each
    G_w, G_b, G_c  gradient    (p,)      ordinary gradient of the objective
"""

from refimpl.papers.reduced_space.training.identities import homogeneity_identity, reduced_gradient, weight_decay_reduced
from refimpl.papers.reduced_space.training.motion import reduced_motion
from refimpl.papers.reduced_space.training.optimisers import (
    keep_thresholds,
    projected_descent,
    riemannian_adam,
    riemannian_descent,
    riemannian_gradient,
    riemannian_momentum,
)
from refimpl.papers.reduced_space.training.reparametrise import (
    box_bounds,
    free_parameters,
    reduced_objective,
    reparametrise_backward,
    reparametrise_forward,
)
from refimpl.papers.reduced_space.training.stationarity import kkt_measure, kkt_residual, stop_below
from refimpl.papers.reduced_space.training.thresholds import fold, squash, unsquash
from refimpl.papers.reduced_space.training.variable_projection import Projected, variable_projection

__all__ = [
    "Projected",
    "box_bounds",
    "fold",
    "free_parameters",
    "homogeneity_identity",
    "keep_thresholds",
    "kkt_measure",
    "kkt_residual",
    "projected_descent",
    "reduced_gradient",
    "reduced_motion",
    "reduced_objective",
    "reparametrise_backward",
    "reparametrise_forward",
    "riemannian_adam",
    "riemannian_descent",
    "riemannian_gradient",
    "riemannian_momentum",
    "squash",
    "stop_below",
    "unsquash",
    "variable_projection",
    "weight_decay_reduced",
]
