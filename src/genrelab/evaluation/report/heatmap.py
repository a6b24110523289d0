"""A confusion matrix as SVG, readable from 3 to 248 genres."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from markupsafe import Markup, escape

from genrelab.evaluation.report.svg import svg_document, text

NAMED = 45  # with more genres, names give way to those of supergenres
NUMBERED = 18  # with more genres, numbers in cells would not fit
TIPS = 3000  # with more cells, tooltips would weigh more than the page
LONGEST = 26


def heatmap(
    matrix: np.ndarray, names: Sequence[str], groups: Sequence[str], percent: bool, label: str = "confusion"
) -> Markup:
    """Rows are the truth, columns the answer; darker is more, the diagonal is right.

    Args:
        matrix: `[C, C]` counts, or per cent of the row.
        names: `[C]` of genres.
        groups: `[C]` supergenres' names, equal ones beside each other; lines are drawn between them.
        percent: what the numbers are.
        label: for screen readers.
    """
    size = len(names)
    blocks = _blocks(groups)
    side = float(np.clip(640 / size, 3.2, 46))
    named = size <= NAMED
    shown = [shorten_name(name) for name in (names if named else [block[0] for block in blocks])]
    margin = 12 + 6.4 * max(len(name) for name in shown)
    top = 30 + 0.75 * margin
    width, height = margin + side * size + 0.55 * margin, top + side * size + 8
    parts = [text(margin, 12, "answer →", "muted"), text(0, top - 8, "truth ↓", "muted")]
    parts.append(
        f'<rect x="{margin:.1f}" y="{top:.1f}" width="{side * size:.1f}" height="{side * size:.1f}" class="field"/>'
    )
    parts += _cells(matrix, names, side, margin, top, percent)
    parts += _separators(blocks, side, margin, top, size)
    if named:
        for i, name in enumerate(shown):
            parts += [_row_label(name, i + 0.5, side, margin, top), _column_label(name, i + 0.5, side, margin, top)]
    else:
        parts += _block_labels(blocks, side, margin, top)
    return svg_document(width, height, parts, label, least=round(min(width, 420 if size <= NUMBERED else 640)))


def _blocks(groups: Sequence[str]) -> list[tuple[str, int, int]]:
    """(name, start, length) of each run of equal groups."""
    found, start = [], 0
    for name, run in groupby(groups):
        length = len(list(run))
        found.append((name, start, length))
        start += length
    return found


def _cells(matrix: np.ndarray, names: Sequence[str], side: float, left: float, top: float, percent: bool) -> list[str]:
    rows, columns = np.nonzero(matrix)
    peak = 100.0 if percent else float(matrix.max(initial=1))
    tips, numbers = len(rows) <= TIPS, len(names) <= NUMBERED
    least = 0.12 if len(names) <= NAMED else 0.5  # small cells must be dark to be seen at all
    parts = []
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        value = float(matrix[row, column])
        x, y = left + side * column, top + side * row
        share = least + (1 - least) * (value / peak) ** 0.8
        style = "right" if row == column else "wrong"
        number = f"{value:.0f}"
        tip = f"<title>{escape(names[row])} → {escape(names[column])}: {number}{' %' if percent else ''}</title>"
        body = (
            f'x="{x:.1f}" y="{y:.1f}" width="{side:.1f}" height="{side:.1f}" class="{style}" fill-opacity="{share:.2f}"'
        )
        parts.append(f"<rect {body}>{tip}</rect>" if tips else f"<rect {body}/>")
        if numbers:
            ink = "onheat" if share > 0.55 else "ink"
            parts.append(text(x + side / 2, y + side / 2 + 4, number, f"{ink} through", "middle"))
    return parts


def _separators(blocks: Sequence[tuple[str, int, int]], side: float, left: float, top: float, size: int) -> list[str]:
    if len(blocks) == size:
        return []
    end = side * size
    lines = [start * side for _, start, _ in blocks if start]
    across = "".join(f"M{left:.1f} {top + at:.1f}h{end:.1f}M{left + at:.1f} {top:.1f}v{end:.1f}" for at in lines)
    return [f'<path d="{across}" class="separator"/>']


def _row_label(name: str, place: float, side: float, left: float, top: float) -> str:
    return text(left - 6, top + side * place + 4, name, "ink", "end")


def _column_label(name: str, place: float, side: float, left: float, top: float) -> str:
    x, y = left + side * place + 3, top - 6
    return text(x, y, name, "ink", "start", f' transform="rotate(-48 {x:.1f} {y:.1f})"')


def _block_labels(blocks: Sequence[tuple[str, int, int]], side: float, left: float, top: float) -> list[str]:
    """Names of blocks at their middles, moved apart where they would touch, with a tie to where they belong."""
    middles = [start + length / 2 for _, start, length in blocks]
    end = blocks[-1][1] + blocks[-1][2]
    parts = []
    columns, rows = _spread_apart(middles, 16 / side, end), _spread_apart(middles, 12 / side, end)
    for (name, _, _), middle, column, row in zip(blocks, middles, columns, rows, strict=True):
        x, y = left + side * middle, top + side * middle
        tie = f"M{left - 5:.1f} {top + side * row:.1f}L{left - 1:.1f} {y:.1f}"
        tie += f"M{left + side * column + 2:.1f} {top - 5:.1f}L{x:.1f} {top - 1:.1f}"
        parts.append(f'<path d="{tie}" class="tie"/>')
        parts.append(_row_label(shorten_name(name), row, side, left, top))
        parts.append(_column_label(shorten_name(name), column, side, left, top))
    return parts


def _spread_apart(places: Sequence[float], gap: float, end: float) -> list[float]:
    """Ascending places moved as little as need be, so that neighbors are `gap` apart and all lie before `end`."""
    gap = min(gap, end / len(places))
    found = list(places)
    for i in range(1, len(found)):
        found[i] = max(found[i], found[i - 1] + gap)
    limit = end - gap / 2
    for i in reversed(range(len(found))):
        found[i] = min(found[i], limit)
        limit = found[i] - gap
    return found


def shorten_name(name: str) -> str:
    """A name that fits beside a picture."""
    return name if len(name) <= LONGEST else name[: LONGEST - 1].rstrip() + "…"
