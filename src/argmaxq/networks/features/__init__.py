"""Features of an observation for linear action values, as the indices and values of those that are not 0."""

from argmaxq.networks.features.boxes import Active as Active
from argmaxq.networks.features.boxes import Features as Features
from argmaxq.networks.features.boxes import per_entry as per_entry
from argmaxq.networks.features.cells import Bins as Bins
from argmaxq.networks.features.cells import Tiles as Tiles
from argmaxq.networks.features.cells import strides as strides
from argmaxq.networks.features.waves import Fourier as Fourier
from argmaxq.networks.features.waves import Polynomial as Polynomial
from argmaxq.networks.features.waves import Radial as Radial
from argmaxq.networks.features.waves import all_exponents as all_exponents
from argmaxq.networks.features.whole import Indicator as Indicator
from argmaxq.networks.features.whole import Symmetric as Symmetric
