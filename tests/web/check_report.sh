#!/bin/sh
# The report in a real browser, headless:
#
#     tests/web/check_report.sh TEST_REPORT FOLDER
#
# TEST_REPORT is the test program that writes a run with everything in it; FOLDER gets that run and
# the screenshots. Exit code 77, with the reason, where there is no Chromium.
set -eu
program=$1 folder=$2
here=$(cd "$(dirname "$0")" && pwd)
if ! python3 -B "$here/browser.py"; then
    echo "skipped: no Chromium was found (Debian: apt-get install chromium-headless-shell)"
    exit 77
fi
if ! command -v gnuplot >/dev/null; then
    echo "skipped: gnuplot is not installed (Debian: gnuplot-nox)"
    exit 77
fi
rm -rf "$folder"
mkdir -p "$folder"
"$program" --write "$folder/run"
if ! grep -q 'id="replay-data"' "$folder/run/report.html"; then
    echo "skipped: this build has no replay (scripts/setup.sh could not fetch three.js)"
    exit 77
fi
exec python3 -B "$here/check_report.py" "$folder/run/report.html" "$folder"
