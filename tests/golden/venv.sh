# A throw-away virtual environment for a second witness; read by the scripts beside it.
#
#     make_venv VENV NAME PACKAGES
#
# VENV is kept between runs (delete it at will) and made anew when PACKAGES changed. Exits with 77,
# and the reason, where it cannot be made: no network, no venv module. NAME is for that message.
make_venv() {
    [ "$(cat "$1/wanted" 2>/dev/null || true)" != "$3" ] || return 0
    rm -rf "$1"
    log=$(mktemp)
    echo "installing $3"
    # shellcheck disable=SC2086  # words on purpose
    if ! { python3 -m venv "$1" && "$1/bin/pip" install --quiet --disable-pip-version-check \
        $3; } >"$log" 2>&1; then
        tail -n 2 "$log" | cut -c 1-300
        rm -rf "$1" "$log"
        echo "SKIPPED: $2 could not be installed (needs python3-venv and the network)"
        exit 77
    fi
    rm -f "$log"
    echo "$3" >"$1/wanted"
}
