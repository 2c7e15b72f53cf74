"""Born-Infeld energy-conserving descent.

G. B. De Luca, E. Silverstein, Born-Infeld (BI) for AI: Energy-Conserving Descent (ECD) for Optimization, ICML 2022, PMLR
162:4918-4936, arXiv:2201.11137. Parameters move in the loss like a relativistic particle whose speed limit is the root of the loss:
without friction, so that they do not stop at a high minimum, and slowly where the loss is small. Equations are derived from the
Lagrangian and checked against the authors' released code; the paper's numbering was not at hand and is not used.

Reading order
    hamiltonian        Lagrangian, energy, equations of motion; the state and its start
    exact              motions in closed form, to plot and to test with
    integrators        one step each: the paper's update, the symplectic log leapfrog and its relatives, walls, bounces
    hamiltonian_flow   implicit midpoint and Tao's doubled phase space, for comparison
    measure            where an ergodic trajectory spends its time
    schedule           when to bounce
    optimiser          the method for SciPy
    minibatch          the same for mini-batches, in the training loop
    ensemble           many trajectories at once, one a row
    inplace            many steps at the speed of memory
    poisson            a network that solves a differential equation, its Laplacian by hand: one of the paper's examples
    related            ECDSep and microcanonical Hamiltonian Monte Carlo, which came after it

    released     here           shape    meaning
    θ            theta          (p,)     position: the parameters
    π            pi             (p,)     momentum
    F, v0        offset                  V = F − offset > 0 the potential, F the loss
    ∇V           dV             (p,)     its gradient
    E, deltaEn   E, extra                conserved energy E = V0 + extra
    lr           h                       step
"""

from refimpl.papers.born_infeld.ensemble import bbi_rows, bounce_rows, leapfrog_rows, start_rows
from refimpl.papers.born_infeld.exact import cycloid, elliptic, elliptic_period, sech_motion, spiral
from refimpl.papers.born_infeld.hamiltonian import (
    State,
    acceleration,
    canonical_momentum,
    energy,
    force,
    hamiltonian,
    lagrangian,
    momentum_squared,
    shell,
    speed_squared,
    start,
    velocity,
)
from refimpl.papers.born_infeld.hamiltonian_flow import TaoState, midpoint_step, tao_hamiltonian, tao_start, tao_step
from refimpl.papers.born_infeld.inplace import bbi_run
from refimpl.papers.born_infeld.integrators import (
    OutsideDomain,
    bbi_step,
    bounce,
    euler_step,
    kick_factor,
    largest_potential,
    leapfrog_step,
    located_step,
    rescale,
    shortened,
    time_factor,
    yoshida_step,
)
from refimpl.papers.born_infeld.measure import (
    basin_integral,
    basin_integral_asymptotic,
    basin_ratio,
    cube_moment,
    isotropic_moment,
    log_density,
)
from refimpl.papers.born_infeld.minibatch import energy_conserving_descent
from refimpl.papers.born_infeld.optimiser import born_infeld
from refimpl.papers.born_infeld.poisson import (
    disk_points,
    laplacian_backward,
    laplacian_forward,
    poisson_network,
    poisson_objective,
    poisson_solution,
    poisson_source,
)
from refimpl.papers.born_infeld.related import (
    EcdSepState,
    MchmcState,
    born_infeld_action,
    ecd_q1_action,
    ecdsep_energy,
    ecdsep_leapfrog_step,
    ecdsep_start,
    ecdsep_step,
    mchmc_energy,
    mchmc_kick,
    mchmc_leapfrog_step,
    mchmc_minimal_norm_step,
    mchmc_start,
)

__all__ = [
    "EcdSepState",
    "MchmcState",
    "OutsideDomain",
    "State",
    "TaoState",
    "acceleration",
    "basin_integral",
    "basin_integral_asymptotic",
    "basin_ratio",
    "bbi_rows",
    "bbi_run",
    "bbi_step",
    "born_infeld",
    "born_infeld_action",
    "bounce",
    "bounce_rows",
    "canonical_momentum",
    "cube_moment",
    "cycloid",
    "disk_points",
    "ecd_q1_action",
    "ecdsep_energy",
    "ecdsep_leapfrog_step",
    "ecdsep_start",
    "ecdsep_step",
    "elliptic",
    "elliptic_period",
    "energy",
    "energy_conserving_descent",
    "euler_step",
    "force",
    "hamiltonian",
    "isotropic_moment",
    "kick_factor",
    "lagrangian",
    "laplacian_backward",
    "laplacian_forward",
    "largest_potential",
    "leapfrog_rows",
    "leapfrog_step",
    "located_step",
    "log_density",
    "mchmc_energy",
    "mchmc_kick",
    "mchmc_leapfrog_step",
    "mchmc_minimal_norm_step",
    "mchmc_start",
    "midpoint_step",
    "momentum_squared",
    "poisson_network",
    "poisson_objective",
    "poisson_solution",
    "poisson_source",
    "rescale",
    "sech_motion",
    "shell",
    "shortened",
    "speed_squared",
    "spiral",
    "start",
    "start_rows",
    "tao_hamiltonian",
    "tao_start",
    "tao_step",
    "time_factor",
    "velocity",
    "yoshida_step",
]
