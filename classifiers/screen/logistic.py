"""Ridge logistic regression on a sparse matrix, by L-BFGS. For training only: needs scipy (extra `train`)."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize

_WORST_IMBALANCE = 20.0
_INTERCEPT_SCALE = 5.0


def matrix(
    values: NDArray[np.float32], columns: NDArray[np.int32], indptr: NDArray[np.int64], width: int
) -> sparse.csr_matrix:
    """Assemble sparse rows of `width` columns; row i holds values[indptr[i]:indptr[i + 1]]."""
    return sparse.csr_matrix((values, columns, indptr), shape=(len(indptr) - 1, width))


def solve(
    rows: sparse.csr_matrix,
    target: NDArray[np.float32],
    cells: NDArray[np.float64],
    groups: NDArray[np.int64] | None = None,
    *,
    ridge: float,
    iterations: int,
) -> tuple[NDArray[np.float32], np.float32]:
    """Fit weights [columns] and a bias to targets [n] of 0 or 1, NaN where unknown: those rows are left out.

    `cells` [n] are the rows' weights; positives then get the same total weight as negatives, up to a factor of
    20. `ridge` / 2 times the squared weights is added to the loss summed over rows (a normal prior on the weights:
    the more rows, the less it counts); the bias is not penalised. Without both classes all is zero.

    Rows of one number in `groups` [n] have an intercept of their own (negative: none), which is then discarded:
    features that separate groups then get no weight, only those that separate classes within groups do (the fixed
    effects of panel regression).
    """
    width = rows.shape[1]
    known = np.flatnonzero(~np.isnan(target) & (cells > 0))
    signs = np.where(target[known] > 0.5, 1.0, -1.0)
    if len(np.unique(signs)) < 2:
        return np.zeros(width, np.float32), np.float32(0)
    rows, weights = rows[known], _balanced(cells[known], signs)
    rows = sparse.hstack([rows, _indicators(groups, known)]).tocsr()
    columns, share = rows.T, ridge / len(known)

    def loss(solution: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weight, bias = solution[:-1], solution[-1]
        margins = signs * (rows @ weight.astype(np.float32) + bias)
        slopes = -weights * signs * np.exp(-np.logaddexp(0, margins))
        gradient = np.append(columns @ slopes.astype(np.float32) + share * weight, slopes.sum())
        return float(weights @ np.logaddexp(0, -margins) + share / 2 * (weight @ weight)), gradient

    start = np.zeros(rows.shape[1] + 1)
    solution = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": iterations}).x.astype(np.float32)
    return solution[:width], solution[-1]


def _indicators(groups: NDArray[np.int64] | None, known: NDArray[np.int64]) -> sparse.csr_matrix:
    """One column a group, scaled so that the ridge hardly shrinks an intercept."""
    numbers = np.full(len(known), -1) if groups is None else groups[known]
    members = np.flatnonzero(numbers >= 0)
    values = np.full(len(members), _INTERCEPT_SCALE, np.float32)
    return sparse.csr_matrix((values, (members, numbers[members])), shape=(len(known), int(numbers.max()) + 1))


def _balanced(cells: NDArray[np.float64], signs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights that sum to 1, half on either class unless that would raise one by more than the worst imbalance."""
    positive, negative = cells[signs > 0].sum(), cells[signs < 0].sum()
    factor = np.clip(negative / positive, 1 / _WORST_IMBALANCE, _WORST_IMBALANCE)
    raised = cells * np.where(signs > 0, factor, 1.0)
    balanced: NDArray[np.float64] = raised / raised.sum()
    return balanced
