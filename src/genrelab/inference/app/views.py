"""Parts of the app's page as HTML. Whatever comes from names and files is escaped."""

from __future__ import annotations

import base64
import io
import json
import secrets
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from genrelab.inference import Prediction, Predictor
from genrelab.inference.app.similar import SimilarTrack
from genrelab.inference.console import format_duration, format_percent
from genrelab.inference.ood import TOO_SHORT
from genrelab.taxonomy.hierarchy import supergenre_index
from genrelab.taxonomy.taxonomy import Taxonomy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLORS = ("#3156c4", "#d9702b", "#1b8a6b", "#a23b9c", "#b08900", "#5b6b86")
OTHER = "#9aa3b2"
WAVE_POINTS, WAVE_HEIGHT = 240, 120
WHY = {
    "silence": "There is nothing to hear: the recording is silent.",
    TOO_SHORT: "The recording is too short to say anything.",
    "noise": "It sounds like noise, not like music.",
    "speech": "It sounds like someone talking, not like music.",
}
UNLIKE = "It is unlike the music of the training. The nearest answers:"
LINKS = {
    "primary": ("comes from", "led to"),
    "secondary": ("was influenced by", "influenced"),
    "backlash": ("rose against", "was answered by"),
}


def render_prediction(prediction: Prediction, predictor: Predictor) -> str:
    """What it is, how sure, and the likeliest genres and supergenres as bars."""
    if prediction.rejection_reason:
        head, line = "Unknown", WHY.get(prediction.rejection_reason, UNLIKE)
    elif prediction.fallback_level == "nothing":
        groups_too = " and no group of genres" if prediction.hedged else ""
        head, line = "Not sure", f"No genre{groups_too} is likely enough."
    else:
        head, line = prediction.label, _how_sure(prediction)
    heard = prediction.rejection_reason not in WHY  # what the network says of silence and noise would only mislead
    shown = dict.fromkeys((*prediction.top, *prediction.genres)) if heard else {}
    genres = [(guess.title, guess.probability) for guess in shown]
    groups = supergenre_scores(prediction.probabilities, predictor.taxonomy) if prediction.supergenre else []
    return _part(
        "answer", head, line, genres, groups[:3] if heard and len(groups) > 1 else [], predictor.caveat_messages
    )


def _how_sure(prediction: Prediction) -> str:
    """Probability of the answer; of several genres each has its own."""
    if prediction.confidence is None:
        above = "The genre above its threshold" if len(prediction.genres) == 1 else "The genres above their thresholds"
        return f"{above}. Each has a probability of its own; they do not add up to 100 %."
    sure = format_percent(prediction.confidence).strip()
    return (
        f"{sure} · a {prediction.fallback_level}: no genre in it is likely enough"
        if prediction.fallback_level
        else sure
    )


def render_about(titles: Sequence[str]) -> str:
    """Which genres there are to be named."""
    return _part("about", titles)


def render_alert(text: str) -> str:
    """A line about what went wrong."""
    return _part("alert", text)


def supergenre_scores(probabilities: np.ndarray, taxonomy: Taxonomy) -> list[tuple[str, float]]:
    """Titles of supergenres and the sums of their genres' probabilities, likeliest first."""
    names = [taxonomy.supergenres[code] for code in dict.fromkeys(taxonomy.supergenre_of)]
    sums = np.bincount(supergenre_index(taxonomy), weights=probabilities)
    return [(names[place], float(sums[place])) for place in np.argsort(-sums, kind="stable")]


def render_timeline(prediction: Prediction, predictor: Predictor, samples: np.ndarray) -> str:
    """The waveform over colored windows, a stripe for each genre of one; a legend, and the same as a table."""
    best = [genre for entry in prediction.segments for genre in entry.genres]
    order = sorted(set(best), key=lambda genre: (-best.count(genre), genre))
    color = {genre: COLORS[place] if place < len(COLORS) else OTHER for place, genre in enumerate(order)}
    scale = 1000 / max(prediction.seconds, 1e-9)
    windows = [
        {
            "x": round(entry.start * scale, 1),
            "width": round(max(entry.seconds * scale - 2, 1), 1),
            "y": round(WAVE_HEIGHT * place / len(entry.genres), 1),
            "height": round(WAVE_HEIGHT / len(entry.genres), 1),
            "color": color[genre],
            "share": float(entry.probabilities[genre]),
            "title": predictor.titles[genre],
            "start": format_duration(entry.start),
        }
        for entry in prediction.segments
        for place, genre in enumerate(entry.genres)
    ]
    legend = [{"title": predictor.titles[genre], "color": color[genre], "count": best.count(genre)} for genre in order]
    count = len(prediction.segments)
    return _part("timeline", windows, legend, count, _wave(samples), format_duration(prediction.seconds))


def _wave(samples: np.ndarray) -> str:
    """The outline of a waveform as an SVG path in a box of 1000 x 120."""
    edges = np.linspace(0, len(samples), min(WAVE_POINTS, max(len(samples), 1)) + 1).astype(int)
    peaks = np.array([np.abs(samples[start:end]).max(initial=0.0) for start, end in pairwise(edges)])
    peaks = 54 * peaks / max(float(peaks.max()), 1e-6)
    x = 1000 * (np.arange(len(peaks)) + 0.5) / len(peaks)
    upper = [f"{a:.1f} {60 - b:.1f}" for a, b in zip(x, peaks, strict=True)]
    lower = [f"{a:.1f} {60 + b:.1f}" for a, b in zip(x[::-1], peaks[::-1], strict=True)]
    return "M" + "L".join([*upper, *lower]) + "Z"


def render_graph(prediction: Prediction, predictor: Predictor, graph: str | None) -> str:
    """What the taxonomy says of the likeliest genre, and its place on the graph with the nearest genres.

    Args:
        prediction: of a recording.
        predictor: that made it.
        graph: the taxonomy's page (`page_text`), which opens at a genre; None shows none.
    """
    taxonomy, best = predictor.taxonomy, prediction.top[0]
    graph = graph and _opened(graph, best.genre)
    facts = describe_genre(taxonomy, best.genre)
    return _part("place", best.title, facts, prediction.neighbors, len(taxonomy.genres), graph)


def _opened(graph: str, genre: str) -> str:
    """The graph's page with a genre chosen, whose scripts alone may run, and that asks nothing of any network.

    The frame is of the app's own origin, since browsers draw no frame of another origin that is out of sight, and
    it would be blank in prints and pictures of the page. What a stranger's run could smuggle in the policy refuses.
    """
    nonce = secrets.token_urlsafe(16)
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'nonce-{nonce}'"
    # The frame has no size at first: it is shown the genre whenever it gets one. No data holds a line end.
    chosen = json.dumps(genre).replace("</", "<\\/")
    opening = f"<script>\nnew ResizeObserver(() => go(nodes.get({chosen}))).observe(map)</script></html>"
    page = graph.replace("</html>", opening).replace("<script>\n", f'<script nonce="{nonce}">\n')
    meta = '<meta charset="utf-8">'
    return page.replace(meta, f'{meta}<meta http-equiv="Content-Security-Policy" content="{policy}">', 1)


def describe_genre(taxonomy: Taxonomy, code: str) -> list[str]:
    """Sentences on a genre: the taxonomy's own, its supergenre, what it is linked to. None on a flat taxonomy."""
    if taxonomy.flat:
        return []
    group = taxonomy.supergenre_of[taxonomy.genres.index(code)]
    own = taxonomy.descriptions.get(code)
    lines = [*([own] if own else []), f"A genre of {taxonomy.supergenres[group]}."]
    for kind, (back, forth) in LINKS.items():
        elders = [link.a for link in taxonomy.links if link.kind == kind and link.b == code]
        heirs = [link.b for link in taxonomy.links if link.kind == kind and link.a == code]
        for verb, nodes in ((back, elders), (forth, heirs)):
            if nodes:
                lines.append(f"It {verb} {'; '.join(taxonomy.node_title(node) for node in nodes)}.")
    return lines


def render_similar(found: Sequence[SimilarTrack]) -> str:
    """The nearest training tracks as a table; empty where there are none."""
    return _part("similar", found) if found else ""


def render_figure(figure: Figure, label: str) -> str:
    """A figure as an image that scrolls sideways on a phone."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100, facecolor="white")
    return _part("picture", label, base64.b64encode(buffer.getvalue()).decode())


def _part(name: str, *content: Any) -> str:
    """A macro of the template."""
    return str(getattr(_parts(), name)(*content))


@lru_cache(maxsize=1)
def _parts() -> Any:
    from jinja2 import Environment, PackageLoader

    environment = Environment(loader=PackageLoader("genrelab.inference.app", ""), autoescape=True, trim_blocks=True)
    environment.filters["percent"] = lambda share: format_percent(share).strip()
    return environment.get_template("parts.html.jinja").module
