#!/bin/sh
# Fails where a room includes another that it may not see, or a third-party library's header outside
# the one room that knows it. Prints file:line and why. Scans a tree given as argument, else this one.
#
#   base <- nn, sim, io <- learn <- study <- show <- cli
set -eu
cd "${1:-$(dirname "$0")/..}"

find src include/understudy -type f \( -name '*.c' -o -name '*.h' \) | LC_ALL=C sort |
xargs awk '
BEGIN {
    sees["base"] = " base "
    sees["nn"] = " base nn "
    sees["sim"] = " base sim "
    sees["io"] = " base io "
    sees["learn"] = " base nn sim io learn "
    sees["study"] = " base nn sim io learn study "
    sees["show"] = " base nn sim io learn study show "
    sees["cli"] = " base nn sim io learn study show cli understudy "
    sees["understudy"] = sees["cli"]  # the header that includes them all
    owner["dnnl"] = owner["oneapi"] = owner["omp"] = "nn"
    owner["mujoco"] = "sim"
    owner["cjson"] = owner["yaml"] = "base"
    owner["libavcodec"] = owner["libavformat"] = owner["libavutil"] = owner["libswscale"] = "show"
    owner["protobuf-c"] = owner["google"] = owner["tb_event"] = owner["onnx"] = "io"  # the last two: generated
    owner["zip"] = owner["curl"] = owner["openssl"] = owner["hdf5"] = "io"
}
FNR == 1 {
    n = split(FILENAME, part, "/")
    room = part[1] == "src" ? part[2] : part[n]
    sub(/\.h$/, "", room)
    if (!(room in sees))
        complain(room " is not a room; add it to scripts/check-rooms.sh with what it may see")
}
/^[ \t]*#[ \t]*include[ \t]*["<]/ {
    path = $0
    sub(/^[^"<]*["<]/, "", path)
    sub(/[">].*$/, "", path)
    while (sub(/^\.\.?\//, "", path)) continue
    sub(/^src\//, "", path)
    first = tolower(path)
    sub(/[\/.].*$/, "", first)
    if (first ~ /^dnnl/) first = "dnnl"
    if (first in owner && room != owner[first])
        complain("<" path "> belongs to " owner[first] " alone; " room " may not include it")
    if (path ~ /^understudy\//) {
        first = path
        sub(/^understudy\//, "", first)
        sub(/\.h$/, "", first)
    } else if (path !~ /\//) {
        next  # a neighbour in the same room, or the C library
    }
    if (first in sees && index(sees[room], " " first " ") == 0)
        complain(room " may not include " first " (\"" path "\")")
}
function complain(why) {
    printf "%s:%d: %s\n", FILENAME, FNR, why
    bad = 1
}
END { exit bad }
' || { echo "error: rooms are crossed (see above); ARCHITECTURE.md says who may include whom" >&2; exit 1; }
