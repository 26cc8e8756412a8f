import os

import numpy as np
import pytest

# BLAS threads only get in one another's way on matrices of this size.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(7)
