"""A confusion matrix as SVG, readable from 3 to 248 genres."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from markupsafe import Markup, escape

from genrelab.report.svg import frame, text

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
    side = float(np.clip(640 / size, 2.6, 46))
    named = size <= NAMED
    shown = [_short(name) for name in (names if named else [block[0] for block in blocks])]
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
            parts += _label(name, i + 0.5, side, margin, top)
    else:
        parts += _block_labels(blocks, side, margin, top)
    return frame(width, height, parts, label, least=round(min(width, 420 if size <= NUMBERED else 640)))


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
    parts = []
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        value = float(matrix[row, column])
        x, y = left + side * column, top + side * row
        share = 0.12 + 0.88 * (value / peak) ** 0.8
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


def _label(name: str, place: float, side: float, left: float, top: float) -> list[str]:
    x, y = left + side * place, top + side * place
    turn = f' transform="rotate(-48 {x + 3:.1f} {top - 6:.1f})"'
    return [text(left - 6, y + 4, name, "ink", "end"), text(x + 3, top - 6, name, "ink", "start", turn)]


def _block_labels(blocks: Sequence[tuple[str, int, int]], side: float, left: float, top: float) -> list[str]:
    """Names of blocks at their middles; one that would touch the one before moves on, as far as it must."""
    parts, last = [], -100.0
    for name, start, length in blocks:
        place = max(start + length / 2, last + 11.5 / side)
        last = place
        tie = f"M{left - 5:.1f} {top + side * place:.1f}L{left - 1:.1f} {top + side * (start + length / 2):.1f}"
        parts.append(f'<path d="{tie}" class="tie"/>')
        parts += _label(_short(name), place, side, left, top)
    return parts


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else name[: LONGEST - 1].rstrip() + "…"
