#!/bin/sh
# Guess: importing onnxruntime writes nothing outside Python's own caches.
# Seen: the import alone, without a session, writes two files into the user's cache folder: "deviceid" with
#   a UUID, and the database "onnxruntime.db". With ORT_DISABLE_TELEMETRY=1 in the environment it writes neither.
# Why it matters: a command documented to write its output alone writes more, and home folders of batch jobs are
#   shared or read-only.
# How to live with it: set the variable before the import where no such file is wanted.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet --disable-pip-version-check onnxruntime==1.32.0 numpy==2.4.6
cd "$tmp"
"$tmp/venv/bin/python" - <<'EOF'
import os
import platform
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path


def files_after_import(name, **more):
    """Files in an empty home folder after the import, by name."""
    home = Path(name).resolve()
    home.mkdir()
    env = {key: value for key, value in os.environ.items() if key not in ("CI", "ORT_DISABLE_TELEMETRY")}
    env |= {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), **more}
    subprocess.run([sys.executable, "-c", "import onnxruntime"], env=env, check=True)
    return {path.name: path for path in sorted(home.rglob("*")) if path.is_file()}


print(f"onnxruntime {version('onnxruntime')}, {platform.system()} {platform.machine()}")
print("expected: no file")
plain, disabled = files_after_import("plain"), files_after_import("disabled", ORT_DISABLE_TELEMETRY="1")
print(f"import onnxruntime:                {[str(path.relative_to(Path.cwd())) for path in plain.values()]}")
print(f"  with ORT_DISABLE_TELEMETRY=1:    {[str(path.relative_to(Path.cwd())) for path in disabled.values()]}")
uuid = "deviceid" in plain and re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", plain["deviceid"].read_text())
print(f"deviceid holds a UUID: {bool(uuid)}")
sys.exit(not (uuid and "onnxruntime.db" in plain and not disabled))
EOF
