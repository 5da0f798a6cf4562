"""How a return is represented by a network's outputs, and the loss that fits it to a target."""

from argmaxq.learning.returns.histograms import Categorical as Categorical
from argmaxq.learning.returns.histograms import Histogram as Histogram
from argmaxq.learning.returns.histograms import HLGauss as HLGauss
from argmaxq.learning.returns.quantiles import ImplicitQuantile as ImplicitQuantile
from argmaxq.learning.returns.quantiles import Quantile as Quantile
from argmaxq.learning.returns.scalar import Huber as Huber
from argmaxq.learning.returns.scalar import RegressionLoss as RegressionLoss
from argmaxq.learning.returns.scalar import Scalar as Scalar
from argmaxq.learning.returns.scalar import Squared as Squared
from argmaxq.learning.returns.transformed import Transformed as Transformed
