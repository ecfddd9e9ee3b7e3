#!/usr/bin/env python3
"""Write tests/data/divergence-golden.h: what SciPy, scikit-learn, lifelines and NumPy say of samples
that test_divergence*.c makes again, number for number, from the same generator (NumPy's PCG64).

    python3 -m venv VENV && VENV/bin/pip install numpy scipy scikit-learn lifelines
    VENV/bin/python tests/unit/make_divergence.py > tests/data/divergence-golden.h

Nothing here is written the way the C is: distances come from scipy.spatial, the kernel and nearest
rows from scikit-learn, pairs of different episodes from a mask over all pairs of rows.
"""
import sys

import lifelines
import numpy as np
import scipy
import sklearn
from scipy.spatial.distance import cdist, jensenshannon, pdist
from scipy.stats import CensoredData, binomtest, ecdf, energy_distance, norm, wasserstein_distance
from sklearn.decomposition import PCA
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler


def episodes(seed, lengths, dims, phi, shift, scale):
    """Autoregressive rows, as make_sample of test_divergence_common.h."""
    rng = np.random.default_rng(seed)
    out = []
    for n in lengths:
        x = rng.standard_normal(dims)
        rows = []
        for _ in range(n):
            x = phi * x + np.sqrt(1 - phi * phi) * rng.standard_normal(dims)
            rows.append((shift + scale * x).astype(np.float32))
        out.append(np.array(rows))
    return out


def show(name, values):
    values = [float(v) for v in np.ravel(values)]
    print(f"static const double {name}[{len(values)}] = {{")
    for i in range(0, len(values), 4):
        print("    " + " ".join(f"{v!r}," for v in values[i : i + 4]))
    print("};")


def one_dimension():
    rng = np.random.default_rng(20260301)
    x, y = rng.standard_normal(40), 0.5 + 2 * rng.standard_normal(25)
    wx, wy = rng.random(40), rng.random(25)
    show("golden_w1", [wasserstein_distance(x, y), wasserstein_distance(x, y, wx, wy),
                       wasserstein_distance(x, y, None, wy), wasserstein_distance(x, x + 3),
                       wasserstein_distance([0, 0, 1, 1], [0, 1, 1, 1, 1, 1])])
    # Edges by their definition: where the mixture's share first reaches i / 8, the next value begins
    # a bin.
    xs = np.concatenate([x, y])
    mass = np.concatenate([wx / wx.sum(), wy / wy.sum()]) / 2
    order = np.argsort(xs)
    share = np.cumsum(mass[order])
    cuts = [np.searchsorted(share, i / 8) + 1 for i in range(1, 8)]
    edges = np.concatenate([[xs.min()], xs[order][cuts], [xs.max()]])
    p = np.histogram(x, edges, weights=wx)[0] / wx.sum()
    q = np.histogram(y, edges, weights=wy)[0] / wy.sum()
    show("golden_edges", edges)
    show("golden_p", p)
    show("golden_q", q)
    other = np.histogram(x, np.linspace(-1, 1, 6))[0] / 40
    show("golden_histogram", other)
    show("golden_js", [jensenshannon(p, q, base=2), jensenshannon([1, 2, 3, 0], [5, 0, 1, 0], base=2),
                       jensenshannon([1, 0], [0, 1], base=2)])


def joint():
    a = episodes(11, [7, 5, 9], 4, 0.8, 0.0, 1.0)
    b = episodes(12, [6, 8, 4, 3], 4, 0.8, 0.4, 1.5)
    xa, xb = np.concatenate(a).astype(float), np.concatenate(b).astype(float)
    scaler = StandardScaler().fit(xa)
    show("golden_mean", scaler.mean_)
    show("golden_std", scaler.scale_)
    za, zb = scaler.transform(xa), scaler.transform(xb)
    ea = np.repeat(np.arange(len(a)), [len(e) for e in a])
    eb = np.repeat(np.arange(len(b)), [len(e) for e in b])
    bandwidth = np.median(pdist(np.concatenate([za, zb])))
    aa, bb, ab = cdist(za, za), cdist(zb, zb), cdist(za, zb)
    gamma = 1 / (2 * bandwidth**2)
    kaa, kbb, kab = rbf_kernel(za, za, gamma), rbf_kernel(zb, zb, gamma), rbf_kernel(za, zb, gamma)
    da, db = ea[:, None] != ea[None], eb[:, None] != eb[None]
    show("golden_energy", [2 * ab.mean() - aa[da].mean() - bb[db].mean(),
                           2 * ab.mean() - aa.mean() - bb.mean()])
    show("golden_mmd", [kaa[da].mean() + kbb[db].mean() - 2 * kab.mean(),
                        kaa.mean() + kbb.mean() - 2 * kab.mean(), bandwidth])
    show("golden_energy_1d", [energy_distance(xa[:, 0], xb[:, 0]) ** 2])
    show("golden_column_w1", [wasserstein_distance(xa[:, k], xb[:, k]) for k in range(4)])


def neighbours():
    demos = np.concatenate(episodes(21, [300, 200], 6, 0.9, 0.0, 1.0)).astype(float)
    query = np.concatenate(episodes(22, [12], 6, 0.9, 1.0, 2.0)).astype(float)
    scaler = StandardScaler().fit(demos)
    d, i = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(scaler.transform(demos)).kneighbors(
        scaler.transform(query))
    show("golden_nearest", d)
    show("golden_nearest_row", i)


def survival():
    lengths = [3, 5, 5, 8, 12, 12, 20, 20, 20, 20]
    fell = [1, 1, 0, 1, 1, 1, 0, 0, 1, 0]
    data = CensoredData(uncensored=[t for t, f in zip(lengths, fell) if f],
                        right=[t for t, f in zip(lengths, fell) if not f])
    sf = ecdf(data).sf
    ci = sf.confidence_interval(0.95, method="log-log")
    times = sorted(set(lengths))
    assert list(sf.quantiles) == times
    show("golden_survival", sf.probabilities)
    show("golden_survival_lo", ci.low.probabilities)
    show("golden_survival_hi", ci.high.probabilities)
    km = lifelines.KaplanMeierFitter(alpha=0.05).fit(lengths, fell)
    assert np.allclose(km.survival_function_at_times(times), sf.probabilities, rtol=1e-12)
    mine = km.confidence_interval_.loc[times].to_numpy()
    assert np.allclose(mine, np.column_stack([ci.low.probabilities, ci.high.probabilities]), rtol=1e-9)
    table = lifelines.utils.survival_table_from_events(lengths, fell).loc[times]
    show("golden_at_risk", table["at_risk"])
    show("golden_falls", table["observed"])
    d, n = table["observed"].to_numpy(), table["at_risk"].to_numpy()
    show("golden_greenwood", sf.probabilities * np.sqrt(np.cumsum(d / (n * (n - d)))))
    # Windows of 6 steps: falls and steps counted one step at a time.
    rows = []
    for first in range(0, 20, 6):
        steps = falls = 0
        for length, f in zip(lengths, fell):
            for t in range(first + 1, min(first + 6, 20) + 1):
                steps += t <= length
                falls += bool(f) and t == length
        interval = binomtest(falls, steps).proportion_ci(0.9, method="wilson")
        rows += [steps, falls, interval.low, interval.high]
    show("golden_hazard", rows)
    show("golden_no_fall", [0.025 ** (1 / 4), norm.ppf(0.975)])


def exponent():
    T = np.array([50.0, 100.0, 200.0, 400.0, 1000.0])
    rng = np.random.default_rng(31)
    value = 3e-3 * T**1.7 * (1 + 0.3 * rng.standard_normal((6, 1))) + rng.standard_normal((6, 5))
    base = rng.standard_normal((4, 5))
    cost = value.mean(0) - base.mean(0)
    k, log_c = np.polyfit(np.log(T), np.log(cost), 1)
    r2 = np.corrcoef(np.log(T), np.log(cost))[0, 1] ** 2
    show("golden_exponent", [k, np.exp(log_c), r2])
    show("golden_cost", cost)


def pca():
    x = np.concatenate(episodes(41, [60, 40], 9, 0.7, 2.0, 3.0)).astype(float)
    for k in range(1, 9):
        x[:, k] += 0.8 * x[:, k - 1]
    x = x.astype(np.float32).astype(float)
    show("golden_pca_rows", x[:3])
    z = StandardScaler().fit_transform(x)
    p = PCA(2).fit(z)
    signs = [np.sign(c[np.argmax(np.abs(c))]) for c in p.components_]
    show("golden_components", p.components_ * np.array(signs)[:, None])
    show("golden_variance", np.linalg.eigvalsh(np.cov(z.T))[::-1])
    show("golden_share", p.explained_variance_ratio_)
    show("golden_projected", p.transform(z[[0, 50, 99]]) * signs)


print(f"// Written by tests/unit/make_divergence.py: NumPy {np.__version__}, SciPy {scipy.__version__},")
print(f"// scikit-learn {sklearn.__version__}, lifelines {lifelines.__version__}.")
for part in (one_dimension, joint, neighbours, survival, exponent, pca):
    part()
sys.stdout.flush()
