#!/bin/sh
# A policy on a microcontroller: exported as C, built for a bare Cortex-M4 and a Cortex-M7 with their
# FPUs, and run under QEMU. Its self-test must pass; what it takes is printed as a table.
#
#     examples/microcontroller/run.sh [UNDERSTUDY [POLICY [FOLDER]]]
#
# UNDERSTUDY is the program (build/understudy), POLICY a file or the name of a shipped expert (ant-v5),
# FOLDER where to build (a temporary one). Exit code 77, with the packages that are wanted, where there
# is no compiler or emulator for the Cortex-M.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
program=${1:-build/understudy}
policy=${2:-ant-v5}

missing=
command -v arm-none-eabi-gcc >/dev/null || missing="$missing gcc-arm-none-eabi"
command -v qemu-system-arm >/dev/null || missing="$missing qemu-system-arm"
if [ -z "$missing" ] && ! echo '#include <math.h>' | arm-none-eabi-gcc -x c -fsyntax-only - 2>/dev/null; then
    missing=" libnewlib-arm-none-eabi"
fi
if [ -n "$missing" ]; then
    echo "SKIPPED: needs (Debian's names):$missing"
    exit 77
fi

if [ $# -ge 3 ]; then
    folder=$3
    mkdir -p "$folder"
else
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
fi

# The board that QEMU has with this processor, and how to compile for it.
build_and_run() {
    cpu=$1 board=$2 fpu=$3 weights=$4
    quantize=
    [ "$weights" = float32 ] || quantize="--quantize $weights --episodes 0"
    # shellcheck disable=SC2086  # words on purpose
    "$program" export "$policy" --format c -o "$folder/policy.c" --name policy $quantize \
        --force --quiet >"$folder/export.txt" 2>&1 || { cat "$folder/export.txt" >&2; exit 1; }
    flags="-mcpu=$cpu -mthumb -mfloat-abi=hard -mfpu=$fpu -O2 -std=c99 -Wall -Wextra -pedantic -Werror"
    # The policy as one would ship it, for its size.
    # shellcheck disable=SC2086
    arm-none-eabi-gcc $flags -c "$folder/policy.c" -o "$folder/policy.o"
    sizes=$(arm-none-eabi-size -A "$folder/policy.o" | awk '
        /^\.text/ { code += $2 } /^\.rodata/ { constants += $2 } /^\.(data|bss)/ { ram += $2 }
        END { print code, constants, ram + 0 }')
    # And with its self-test, for the emulator. main.c and startup.c use the compiler's extensions.
    # shellcheck disable=SC2086
    arm-none-eabi-gcc $flags -DPOLICY_SELF_TEST -DPOLICY_NO_MAIN -c "$folder/policy.c" \
        -o "$folder/tested.o"
    # shellcheck disable=SC2086
    arm-none-eabi-gcc ${flags%-std=c99*} -std=gnu11 -Wall -Wextra -Werror -DPOLICY_SELF_TEST \
        -I"$folder" "$here/startup.c" "$here/main.c" "$folder/tested.o" -nostartfiles \
        --specs=nosys.specs -T "$here/memory.ld" -lm -o "$folder/policy.elf" 2>"$folder/link.txt" ||
        { cat "$folder/link.txt" >&2; exit 1; }
    # A fixed time an instruction: the emulator's timer then counts instructions.
    if ! timeout 300 qemu-system-arm -M "$board" -nographic -monitor none -serial none \
        -semihosting-config enable=on,target=native -icount shift=0 \
        -kernel "$folder/policy.elf" </dev/null >"$folder/said.txt" 2>&1; then
        echo "FAILED on $board with $weights:" >&2
        cat "$folder/said.txt" >&2
        exit 1
    fi
    # shellcheck disable=SC2086
    set -- $sizes
    awk -v cpu="$cpu" -v weights="$weights" -v code="$1" -v constants="$2" -v ram="$3" '
        { is[$1] = $2 }
        END {
            if (is["failed"] != "0" || !("instructions" in is)) exit 1
            printf "%-10s  %-7s  %6d  %9d  %4d  %6d  %12d  %.1e\n", cpu, weights, code, constants,
                ram, is["stack"], is["instructions"], is["worst_e9"] * 1e-9
        }' "$folder/said.txt" || { cat "$folder/said.txt" >&2; exit 1; }
}

echo "$policy; code, constants, RAM and stack in bytes; instructions of a call; error of the self-test"
echo "processor   weights    code  constants   RAM   stack  instructions  error"
for weights in float32 int8 fp16; do
    build_and_run cortex-m4 mps2-an386 fpv4-sp-d16 $weights
    build_and_run cortex-m7 mps2-an500 fpv5-sp-d16 $weights
done
