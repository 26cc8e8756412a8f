"""The model: how it learns from ratings and scores movies, on NumPy arrays.

The package imports NumPy, SciPy, PyArrow and the standard library: no Spark, no MLflow, and no other package of this folder.
MLflow stores it with each registered model, so that the model loads wherever these libraries are installed.
"""
