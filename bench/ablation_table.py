"""The table of an ablation: for each variant the environment steps and single-core minutes at which
evaluations first reached a return (medians over seeds, a dash where half of them or fewer got there),
and what each seed's evaluations of the last quarter of its training had on average: the return, which
early ends pull down, and the speed, which they do not. Markdown, for the docs. Trainings that are not
finished are left out, and said on the error stream.

    python3 bench/ablation_table.py OUT
"""
import csv
import os
import statistics
import sys

MARKS = (1000, 3000)
out = sys.argv[1]
variants = {}
for folder in sorted(os.listdir(out)):
    path = os.path.join(out, folder, "curve.csv")
    if os.path.exists(path) and not os.path.exists(os.path.join(out, folder, "results.json")):
        print(f"{folder}: not finished, left out", file=sys.stderr)
    elif os.path.exists(path):
        name, _, seed = folder.rpartition("-")
        with open(path, newline="") as file:
            curve = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
        if curve:
            variants.setdefault(name, []).append(curve)


def first(curve, mark):
    return next((row for row in curve if row["mean"] >= mark), None)


def median(values):
    there = sorted(v for v in values if v is not None)
    missing = len(values) - len(there)
    ordered = there + [float("inf")] * missing
    value = statistics.median(ordered)
    return value if value != float("inf") else None


def show(value, unit):
    return "-" if value is None else f"{value / unit:,.0f}k" if unit == 1000 else f"{value / unit:,.1f}"


order = []
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "ablation.txt")) as file:
    order = [line.split()[0] for line in file if line.strip() and not line.startswith(("#", "all "))]
print("| variant | seeds | " + "".join(f"steps to {m} | min | " for m in MARKS)
      + "last quarter, a seed each | speed there, m/s | ended early there | updates/s a core |")
print("|---" * (2 + 2 * len(MARKS) + 4) + "|")
for name in order:
    curves = variants.get(name)
    if not curves:
        continue
    cells = [name, str(len(curves))]
    for mark in MARKS:
        reached = [first(c, mark) for c in curves]
        cells.append(show(median([r and r["steps"] for r in reached]), 1000))
        cells.append(show(median([r and r["seconds"] for r in reached]), 60))
    last = [[row for row in c if row["steps"] > 0.75 * c[-1]["steps"]] for c in curves]
    for key, digits in (("mean", 0), ("speed_m_per_s", 1)):
        means = [statistics.mean(row[key] for row in rows) for rows in last]
        cells.append(", ".join(f"{mean:,.{digits}f}" for mean in means))
    ends, episodes = (sum(row[k] for rows in last for row in rows) for k in ("falls", "episodes"))
    cells.append(f"{100 * ends / episodes:.0f} %")
    cells.append(f"{statistics.median(c[-1]['updates'] / c[-1]['seconds'] for c in curves):.0f}")
    print("| " + " | ".join(cells) + " |")
