"""The names people use for a genre, read from a title that joins several."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

# Kinds of music that a name ends with. As one of several in a title such a word is short for something else:
# "Stoner Metal / Rock" is Stoner Rock, not rock.
HEADS = frozenset({"rock", "pop", "metal", "punk", "jazz", "funk", "soul", "blues", "house", "techno", "trance"})
# Words that qualify another name of the same title: "Garage & Post-Punk Revivals" is no garage.
QUALIFIERS = frozenset(
    {"american", "gabber", "garage", "instrumental", "intelligent", "psychedelic", "revival", "speed", "synth"}
)
_BETWEEN = re.compile(r"(?: / |/| & |, )(?![^(]*\))")  # names of a title, outside brackets
_BRACKET = re.compile(r"\(([^()]*)\)")


def fold(text: str) -> str:
    """Lower case words without accents and punctuation; "&", "+", "and" and "'n'" are all "n"."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    plain = re.sub(r"[&+]", " n ", re.sub("['`\u2019]", "", plain.casefold()))
    return " ".join("n" if word == "and" else word for word in re.sub(r"[\W_]+", " ", plain).split())


def key(text: str) -> str:
    """What the spellings of a name share: "Hip-Hop" and "hiphop", "Drum'n'Bass" and "Drum & Bass"."""
    return fold(text).replace(" ", "")


@lru_cache(maxsize=4096)
def names_of(title: str) -> tuple[frozenset[str], ...]:
    """Keys of a title's names, the surest first: all of it; the names it joins; what brackets hold or leave.

    "Chicago Soul & Detroit Soul (Motown)" is itself; Chicago Soul; Detroit Soul and Motown. "(Roots) Reggae" is
    Roots Reggae, and Reggae.
    """
    parts = [part for part in _BETWEEN.split(title) if fold(part)]
    bare = [name for part in parts for name in _without_brackets(part)]
    held = [name for part in parts for name in _held(part)]
    joined = {key(part) for part in parts if fold(part) not in HEADS | QUALIFIERS}
    joined |= {key(name) for name in _completed([_BRACKET.sub("", part) for part in parts])}
    loose = {key(name) for name in bare if fold(name) not in HEADS}
    loose |= {key(name) for name in held if fold(name) not in HEADS | QUALIFIERS}
    return frozenset({key(title)}) - {""}, frozenset(joined) - {""}, frozenset(loose) - {""}


def _without_brackets(part: str) -> list[str]:
    """A name with some or all of its brackets left out: "(Free)Tek(K)No" is Tekno, Freetekno and Tekkno."""
    pieces = _BRACKET.split(part)  # outside, inside, outside, ...
    choices = [[piece] if number % 2 == 0 else ["", piece] for number, piece in enumerate(pieces)]
    return ["".join(chosen) for chosen in itertools.product(*choices)] if len(pieces) > 1 else []


def _held(part: str) -> list[str]:
    """Names in a bracket that ends a name: "IDM (Intelligent Dance Music)"."""
    found = re.search(r"\s\(([^()]*)\)\s*$", part)
    return [name for name in re.split(r" / |/| & |^& |, ", found.group(1)) if fold(name)] if found else []


def _completed(parts: list[str]) -> list[str]:
    """Names half written: Stoner Rock in "Stoner Metal / Rock", Psychedelic Rock in "Psychedelic / Acid Rock"."""
    full = []
    for before, after in itertools.pairwise([fold(part).split() for part in parts]):
        if len(before) > 1 and before[-1] in HEADS and len(after) == 1 and after[0] in HEADS:
            full.append(" ".join([*before[:-1], *after]))
        elif len(before) == 1 and before[0] not in HEADS and len(after) > 1 and after[-1] in HEADS:
            full.append(f"{before[0]} {after[-1]}")
    return full


def spellings(title: str) -> list[str]:
    """What people may have meant to write, folded: the title and each name that it joins."""
    return [fold(name) for name in (title, *_BETWEEN.split(title)) if fold(name)]


def nearest(wanted: str, names: Mapping[str, str]) -> str:
    """A suggestion out of very many names: the shortest that hold its words, else the likest; never the whole list.

    Args:
        wanted: folded.
        names: what each folded name is a spelling of.
    """
    import difflib

    words = set(wanted.split())
    near = sorted((name for name in names if words and words <= set(name.split())), key=len)[:3]
    near = near or difflib.get_close_matches(wanted, list(names), n=1, cutoff=0.6)
    meant = dict.fromkeys(names[name] for name in near)
    return f" (did you mean {' or '.join(map(repr, meant))}?)" if near else ""
