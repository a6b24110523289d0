"""Agreement of clusters with genres against scikit-learn's, and against counting pairs."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from genrelab.metrics.clustering import adjusted_rand, chance_information, mutual_information

PAIRS = st.lists(st.tuples(st.integers(-1, 4), st.integers(0, 5)), min_size=1, max_size=40)


@settings(max_examples=150, deadline=None)
@given(PAIRS)
def test_both_are_scikit_learns(rows):
    a, b = np.array(rows).T
    assert adjusted_rand(a, b) == pytest.approx(adjusted_rand_score(a, b), abs=1e-9)
    # Where both are one cluster scikit-learn says 1, and so do we; where one is, 0.
    assert mutual_information(a, b) == pytest.approx(normalized_mutual_info_score(a, b), abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(PAIRS.filter(lambda rows: len(rows) > 2))
def test_the_rand_index_counts_pairs(rows):
    a, b = np.array(rows).T
    pairs = list(combinations(range(len(a)), 2))
    both = sum(a[i] == a[j] and b[i] == b[j] for i, j in pairs)
    of_a, of_b = (sum(v[i] == v[j] for i, j in pairs) for v in (a, b))
    chance, most = of_a * of_b / len(pairs), (of_a + of_b) / 2
    expected = 1.0 if most == chance else (both - chance) / (most - chance)
    assert adjusted_rand(a, b) == pytest.approx(expected, abs=1e-9)


def test_names_of_clusters_do_not_matter():
    b = np.arange(60) % 3
    assert adjusted_rand(10 - b, b) == mutual_information(10 - b, b) == pytest.approx(1)


def test_chance_is_near_zero_with_many_rows_and_not_with_few():
    generator = np.random.default_rng(0)
    few, many = (chance_information(*generator.integers(10, size=(2, rows))) for rows in (30, 5000))
    assert many < 0.01 and few > 0.3
