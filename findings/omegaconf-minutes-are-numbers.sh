#!/bin/sh
# Guess: in a configuration `start: 1:30` and `start: 0:30` are texts, as `start=1:30` is on Hydra's command line.
# Seen: YAML 1.1 reads digits with colons as numbers of base 60 when they begin with 1 to 9: 1:30 is the integer 90,
#   3:45 is 225, a meter of 4:4 is 244. "0:30", "01:30" and "1:75" stay texts, and the command line
#   gives texts for all. So a file and an override of the same characters give other types.
# Why it matters: positions, durations and meters are written so; code that splits at ":" works for excerpts of the
#   first minute and for overrides, and fails or is wrong for others.
# How to live with it: quote such values in YAML, or accept numbers as seconds and texts as minutes and seconds.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet --disable-pip-version-check hydra-core==1.3.2 omegaconf==2.3.1 PyYAML==6.0.4
cd "$tmp"
"$tmp/venv/bin/python" - <<'EOF'
import sys
from importlib.metadata import version
from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

VALUES = ("0:30", "1:30", "01:30", "3:45", "1:75", "4:4", "12:00:00")

Path("conf").mkdir()
by_file, by_override = {}, {}
for value in VALUES:
    Path("conf/config.yaml").write_text(f"start: {value}\n")
    with initialize_config_dir(str(Path("conf").resolve()), version_base=None):
        by_file[value] = compose("config").start
        by_override[value] = compose("config", overrides=[f"start={value}"]).start
    assert OmegaConf.load("conf/config.yaml").start == by_file[value]
print(", ".join(f"{name} {version(name)}" for name in ("hydra-core", "omegaconf", "PyYAML")))
print("expected: texts, the same by file and by override")
for value in VALUES:
    print(f"start: {value:10} file {by_file[value]!r:10} override {by_override[value]!r}")
numbers = {value: found for value, found in by_file.items() if not isinstance(found, str)}
sys.exit(numbers != {"1:30": 90, "3:45": 225, "4:4": 244, "12:00:00": 43200} or by_override != {v: v for v in VALUES})
EOF
