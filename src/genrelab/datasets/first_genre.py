"""The genre of a track whose source lists several, where one is to be learnt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from genrelab.utils.errors import GenrelabError

FirstGenre = Literal["single", "rarest", "listed"]
SEVERAL = "several genres (dataset.first_genre=single)"  # why a track is left out
SHOWN = 8  # genres that a note lists


def choose_genres(several: Sequence[Sequence[str]], first_genre: FirstGenre) -> list[str | None]:
    """Choose a genre for each track.

    Lists are often sorted by alphabet: the first would keep most of "alternative" and little of "techno".

    Args:
        several: the genres of each track as its source lists them, one or more.
        first_genre: "single": tracks with exactly one genre keep it, others have none; "rarest": the genre that the
            fewest tracks have; "listed": the first.

    Raises:
        GenrelabError: no track has exactly one genre.
    """
    counts = Counter(genre for genres in several for genre in genres)
    if first_genre == "single" and several and min(map(len, several)) > 1:
        raise GenrelabError(
            f"dataset.first_genre=single: all {len(several)} tracks list several genres "
            "(use dataset.first_genre=rarest, or learn all of them with target=multi_label)"
        )
    if first_genre == "single":
        return [genres[0] if len(genres) == 1 else None for genres in several]
    if first_genre == "rarest":
        return [min(genres, key=lambda genre: counts[genre]) for genres in several]
    return [genres[0] for genres in several]


def note_choice(several: Sequence[Sequence[str]], chosen: Sequence[str | None], first_genre: FirstGenre) -> list[str]:
    """Say how many tracks list several genres, what became of them, and which genres lose most of their tracks."""
    count = sum(len(genres) > 1 for genres in several)
    if not count:
        return []
    listed = Counter(genre for genres in several for genre in genres)
    kept = Counter(genre for genre in chosen if genre is not None)
    done = {"single": "are left out", "rarest": "count for the rarest of them", "listed": "count for the first of them"}
    least = sorted(listed, key=lambda genre: (kept[genre] / listed[genre], genre))
    some = ", ".join(f"{genre} {kept[genre]} of {listed[genre]}" for genre in least[:SHOWN])
    more = f", and {len(least) - SHOWN} genres that keep more" if len(least) > SHOWN else ""
    head = f"dataset.first_genre={first_genre}: {count} of {len(several)} tracks list several genres and "
    return [f"{head}{done[first_genre]}; tracks kept: {some}{more}"]
