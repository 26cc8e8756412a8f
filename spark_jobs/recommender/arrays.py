"""The array types that the package's modules exchange."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
Int32Array = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
AnyArray = npt.NDArray[Any]

# Factors in either precision.
Factors = npt.NDArray[np.floating[Any]]

# A table by column name; all columns have the same length.
Columns = dict[str, npt.NDArray[Any] | list[str]]
