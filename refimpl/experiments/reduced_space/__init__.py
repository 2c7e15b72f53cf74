"""Reproductions of T. Qin, L. Zhou and D. Xiu, Reducing Parameter Space for Neural Network Training, 2018.

The paper's own tables could not be sourced. Its abstract claims that training in the reduced space is better; this, and whether it
is less sensitive to the start, is put to the test, in a protocol of our own, with a control that starts from the same function and
has no constraint.

Reading order
    protocol      samples, starts, trainers, the runs
    outcome       what decides, what gains what, the table
    oscillation   sin 4πx, where the best network there can be is known
    franke        Franke's function on the square
    genz          a Gaussian peak in four dimensions
"""
