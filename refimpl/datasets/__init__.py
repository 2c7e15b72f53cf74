"""Data to train on: what is packaged, and how it is split.

`digits` are 1797 handwritten digits, packaged, so that every experiment runs without a network.

    symbol    here      shape       meaning
    x         x         (n, 64)     images as rows, counts / 16, less the mean of the training rows
    y         y         (n,)        labels, 0 to 9
"""

from refimpl.datasets.digits import Digits, Split, load_digits, split

__all__ = ["Digits", "Split", "load_digits", "split"]
