# SPDX-License-Identifier: Apache-2.0
"""The table of what runs gave: a line a figure, and each group's mean and worst."""
import math
import statistics

import rivals

NATIVE = "host"
COLUMNS = (*rivals.RIVALS, NATIVE)
LESS = ("s", "%", "MiB") # units of which less is better
STEPS = ((1, "s "), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))


def title(text, runs):
    columns = "".join(f"{column:>24}" for column in COLUMNS)
    print(f"\n{text + ' (' + str(runs) + ' runs)':<42}{'ratio':>8}{columns}{'distance':>11}", flush=True)


def shown(values, unit):
    median, least, most = statistics.median(values), min(values), max(values)
    factor, name = (1, "") if unit != "s" else next(
        (step for step in STEPS if median >= step[0]), STEPS[-1])
    digits = max(0, 2 - int(math.log10(max(median / factor, 0.01))))
    return f"{median / factor:.{digits}f}{name} [{least / factor:.{digits}f} {most / factor:.{digits}f}]"


def ratio_to(ours, others, unit):
    """Over 1 where armvm is better than the best of the others, by medians."""
    ours, others = statistics.median(ours), [statistics.median(values) for values in others]
    return min(others) / ours if unit in LESS else ours / max(others)


def row(args, group, unit, figure, values):
    """Prints one line and keeps it for --json. Values: rival or host -> list. Returns the ratio."""
    theirs = [values[rival] for rival in rivals.RIVALS if rival != "armvm" and rival in values]
    ratio = ratio_to(values["armvm"], theirs, unit)
    distance = 1 / ratio_to(values["armvm"], [values[NATIVE]], unit) if NATIVE in values else None
    columns = "".join(f"{shown(values[column], unit) if column in values else '-':>24}"
                      for column in COLUMNS)
    print(f"{figure:<42}{ratio:7.2f}x{columns}{f'{distance:10.2f}x' if distance else '':>11}", flush=True)
    args.record.append({"group": group, "figure": figure, "unit": unit, "values": values,
                        "ratio": ratio, "distance": distance})
    return ratio


def mean(values):
    return math.exp(statistics.fmean(math.log(value) for value in values))


def summary(args, group):
    rows = [entry for entry in args.record if entry["group"] == group]
    if not rows:
        return
    worst = min(rows, key=lambda entry: entry["ratio"])
    distances = [entry["distance"] for entry in rows if entry["distance"]]
    print(f"{group + ': geometric mean':<42}{mean(entry['ratio'] for entry in rows):7.2f}x   worst: "
          f"{worst['figure']} {worst['ratio']:.2f}x" +
          (f"   distance to the host: {mean(distances):.2f}x" if distances else ""), flush=True)


def show(args, group, unit, figures):
    for figure, values in figures.items():
        row(args, group, unit, figure, values)
    summary(args, group)
