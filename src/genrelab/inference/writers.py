"""Answers as JSON lines or CSV, on standard output or in a file that a later call continues."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from genrelab.inference.prediction import Prediction
from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import spreadsheet_text, write_text

if TYPE_CHECKING:
    from genrelab.inference.predictor import Predictor

Row = dict[str, Any]


class JSONLinesFormat:
    """One object a line: all of a prediction, or `path` and `error`.

    Args:
        run_id: written into every line.
        genres: the run's genre codes.
        caveats: likewise: what must be said of the run ("unsafe").
    """

    suffixes = (".jsonl", ".ndjson")

    def __init__(self, run_id: str, genres: tuple[str, ...], caveats: Sequence[str] = ()) -> None:
        self.run_id, self.genres, self.caveats = run_id, genres, list(caveats)

    @property
    def header(self) -> str:
        """JSON lines have none."""
        return ""

    def format_row(self, path: str, prediction: Prediction | None, error: str = "") -> str:
        """A line for a file."""
        answer: Row = {"path": path, "error": error} if prediction is None else prediction.to_dict(self.genres)
        text = json.dumps({"run": self.run_id, "marks": self.caveats, **answer, "path": path}, ensure_ascii=False)
        for end in "\x85\u2028\u2029":  # which some readers take for the end of a line
            text = text.replace(end, f"\\u{ord(end):04x}")
        return text + "\n"

    def read(self, text: str) -> list[tuple[str, Row]]:
        """(line, what it holds) of each whole line. Raises ValueError."""
        return [(line + "\n", json.loads(line)) for line in text.split("\n")[:-1]]  # the last may be cut


class CSVFormat:
    """CSV: a row a file, the likeliest genres side by side.

    Args:
        run_id: written into every row.
        top: how many genres.
        multilabel: a track has several genres: those above their thresholds stand in `genres`, and there is no
            supergenre.
        caveats: written into every row: what must be said of the run ("unsafe").
    """

    suffixes = (".csv",)

    def __init__(self, run_id: str, top: int, multilabel: bool = False, caveats: Sequence[str] = ()) -> None:
        self.run_id, self.caveats = run_id, ";".join(caveats)
        ranks = [f"{name}_{rank}" for rank in range(1, top + 1) for name in ("genre", "title", "probability")]
        own = ["genres"] if multilabel else ["supergenre", "supergenre_title", "supergenre_probability"]
        self.columns = ["path", "answer", "unknown", "height", "seconds", *ranks, *own, "run", "marks", "error"]

    @property
    def header(self) -> str:
        """Names of the columns."""
        return _csv(self.columns)

    def format_row(self, path: str, prediction: Prediction | None, error: str = "") -> str:
        """A row for a file."""
        row: Row = {"path": path, "run": self.run_id, "marks": self.caveats, "error": error}
        if prediction is not None:
            row |= {"answer": prediction.label, "unknown": prediction.rejection_reason}
            row["seconds"] = round(prediction.seconds, 3)
            row |= {
                "height": prediction.fallback_level or "genre",
                "genres": ";".join(one.genre for one in prediction.genres),
            }
            for rank, guess in enumerate(prediction.top, start=1):
                row |= _named(guess, f"genre_{rank}", f"title_{rank}", f"probability_{rank}")
            names = ("supergenre", "supergenre_title", "supergenre_probability")
            row |= _named(prediction.supergenre, *names) if prediction.supergenre else {}
        return _csv([row.get(column) for column in self.columns])

    def read(self, text: str) -> list[tuple[str, Row]]:
        """(line, what it holds) of each whole row. Raises ValueError where the columns are others."""
        lines = text.splitlines(keepends=True)
        if not lines or lines[0] != self.header:
            raise ValueError("its columns are others, or --top was; choose another file")
        rows = list(csv.reader(io.StringIO(text)))[1:]
        rows = rows if text.endswith("\n") else rows[:-1]  # the last was cut
        whole = [row for row in rows if len(row) == len(self.columns)]
        return [(_csv(row), dict(zip(self.columns, row, strict=True))) for row in whole]


Format = JSONLinesFormat | CSVFormat


class OutputFile:
    """A file of answers: what it holds already is kept, files that failed are tried again.

    Args:
        path: `.csv` or `.jsonl`; the folder is made.
        format: how answers are written.

    Raises:
        GenrelabError: it holds something else, or the answers of another run.
    """

    def __init__(self, path: Path, format: Format) -> None:
        self.path, self.format = path, format
        self.done: set[str] = set()
        kept = self._kept()
        write_text(path, format.header + "".join(kept), durable=False)
        self._handle: IO[str] = path.open("a", encoding="utf-8", newline="")

    def _kept(self) -> list[str]:
        try:
            text = self.path.read_bytes().decode("utf-8")
        except FileNotFoundError:
            return []
        except UnicodeDecodeError as error:
            raise GenrelabError(f"{self.path}: not answers of genrelab predict; choose another file") from error
        try:
            rows = self.format.read(text) if text else []
            runs: set[Any] = {row["run"] for _, row in rows}
            kept = [(line, str(row["path"])) for line, row in rows if not row.get("error")]
        except (ValueError, KeyError, TypeError) as error:
            raise GenrelabError(f"{self.path}: not answers that can be continued ({error})") from error
        if others := runs - {self.format.run_id}:
            raise GenrelabError(
                f"{self.path}: holds answers of the run {sorted(map(str, others))[0]}; choose another file"
            )
        self.done = {file_key(path) for _, path in kept}
        return [line for line, _ in kept]

    def add(self, path: str, prediction: Prediction | None, error: str = "") -> None:
        """Write a line and see it off, so that a killed process loses none."""
        self._handle.write(self.format.format_row(path, prediction, error))
        self._handle.flush()
        if prediction is not None:
            self.done.add(file_key(path))

    def close(self) -> None:
        """Close the file."""
        self._handle.close()


def file_key(path: str | os.PathLike[str]) -> str:
    """What tells files apart, however they are named."""
    return os.path.realpath(path)


def get_format(path: Path, predictor: Predictor, top: int) -> Format:
    """The format that a file's name asks for. Raises GenrelabError."""
    if path.suffix.lower() in CSVFormat.suffixes:
        top = min(top, len(predictor.genres))
        return CSVFormat(predictor.run_id, top, predictor.output_type.multilabel, predictor.caveats)
    if path.suffix.lower() in JSONLinesFormat.suffixes:
        return JSONLinesFormat(predictor.run_id, predictor.genres, predictor.caveats)
    raise GenrelabError(f"--out {path}: name it .csv or .jsonl")


def _named(guess: Sequence[Any], *names: str) -> Mapping[str, Any]:
    code, title, probability = guess
    return dict(zip(names, (code, title, round(probability, 4)), strict=True))


def _csv(values: Sequence[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(
        ["" if value is None else spreadsheet_text(value) for value in values]
    )
    return buffer.getvalue()
