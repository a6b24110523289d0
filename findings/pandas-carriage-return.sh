#!/bin/sh
# Guess: what `DataFrame.to_csv` writes, `read_csv` and Python's csv module read with the same rows.
# Seen: a cell that holds a carriage return is written without quotes (Linux, where lines end with "\n"): both
#   readers end the row there. The table has a row more, its labels are missing or moved, nothing is raised.
# Why it matters: titles and comments in old tags hold "\r", and an index of tracks is such a table.
# How to live with it: `to_csv(..., lineterminator="\r\n")` or `quoting=csv.QUOTE_NONNUMERIC` writes quotes, and both
#   readers then return the cell.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet --disable-pip-version-check pandas==3.1.1 numpy==2.4.6
cd "$tmp"
"$tmp/venv/bin/python" - <<'EOF'
import csv
import io
import platform
import sys

import pandas as pd

table = pd.DataFrame({"title": ["one", "two\rlive"], "genre": ["rock", "jazz"]})


def read(text):
    """Rows by pandas and by the csv module."""
    by_pandas = [list(row) for row in pd.read_csv(io.StringIO(text, newline="")).itertuples(index=False)]
    return by_pandas, list(csv.reader(io.StringIO(text, newline="")))[1:]


rows = table.to_numpy().tolist()
plain = table.to_csv(index=False, lineterminator="\n")  # Linux's and macOS's default
crlf = table.to_csv(index=False, lineterminator="\r\n")
quoted = table.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
print(f"pandas {pd.__version__}, Python {platform.python_version()}")
print(f"expected: {rows}")
for name, text in {"lines end with \\n": plain, "lines end with \\r\\n": crlf, "all texts quoted": quoted}.items():
    print(f"{name}: {text!r}")
    print(f"  read_csv:   {read(text)[0]}")
    print(f"  csv.reader: {read(text)[1]}")
changed = '"' in plain or any(len(found) != 3 for found in read(plain))
sys.exit(changed or any(found != rows for text in (crlf, quoted) for found in read(text)))
EOF
