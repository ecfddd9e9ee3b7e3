#!/usr/bin/env python3
"""TensorBoard's own readers on event files that we wrote: equal tags, steps and values. Run by
read_events.sh.

The writer is the test program test_tensorboard, told on its standard input what to write. A run
here is what a training does: it writes, TensorBoard looks at the growing file, the process is
killed in the middle of a record, a new one resumes from an earlier step. Three readers must find
the same: the legacy accumulator (scalars), the one behind `tensorboard --load_fast=false`
(tensors), and the data server of a plain `tensorboard`. The last knows no purging: it drops what it
has of a tag from a step on when the tag comes again with that step.
"""
import argparse
import json
import logging
import math
import os
import random
import secrets
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import tensorboard
from tensorboard.backend.event_processing import (
    event_accumulator,
    event_file_loader,
    plugin_event_accumulator,
)
from tensorboard.compat.proto.event_pb2 import SessionLog
from tensorboard.util import tensor_util

TAGS = ["train/return", "train/critic loss", "eval/return", "α (temperature)", "t" * 512]
SPECIAL = [0.0, -0.0, math.nan, math.inf, -math.inf, 1e-45, 1e-40, 3.4028234663852886e38, 1e39]


def as_float32(value):
    """What a float32 field holds of a double; beyond its range, an infinity."""
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)


def bits(value):
    """Of a float32. Any NaN equals any other: its payload says nothing."""
    return "nan" if math.isnan(value) else struct.pack("<f", value).hex()


class Expected:
    """What readers should find in a run: tag -> [(step, value)]."""

    def __init__(self):
        self.purged, self.preempted = {}, {}  # for the accumulators; for the data server

    def purge(self, step):
        for tag, rows in self.purged.items():
            self.purged[tag] = [row for row in rows if row[0] < step]

    def add(self, tag, step, value):
        row = (step, as_float32(value))
        self.purged.setdefault(tag, []).append(row)
        self.preempted[tag] = [r for r in self.preempted.get(tag, []) if r[0] < step] + [row]


class Writer:
    """One process of test_tensorboard."""

    def __init__(self, program, folder, purge):
        command = [program, "write", str(folder)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self.tell(f"open {purge}")

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if answer != "ok":
            sys.exit(f"the writer was told '{line}' and answered '{answer}'")

    def scalar(self, tag, step, value):
        number = value.hex() if math.isfinite(value) else repr(value)
        self.tell(f"scalar {step} {number} {tag}")

    def close(self):
        self.process.stdin.close()
        if self.process.wait() != 0:
            sys.exit(f"the writer ended with {self.process.returncode}")

    def kill(self):
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()


def compare(reader, found, expected, where):
    expected = {tag: rows for tag, rows in expected.items() if rows}
    found = {tag: rows for tag, rows in found.items() if rows}
    if sorted(found) != sorted(expected):
        sys.exit(f"{where}: {reader} finds tags {sorted(found)}, expected {sorted(expected)}")
    for tag, rows in expected.items():
        ours = [(step, bits(value)) for step, value in rows]
        theirs = [(step, bits(value)) for step, value in found[tag]]
        if ours != theirs:
            odd = [pair for pair in zip(ours, theirs) if pair[0] != pair[1]][:3]
            sys.exit(
                f"{where}: {reader} reads {len(theirs)} values of '{tag[:40]}', {len(ours)} were "
                f"written; first differences (ours, theirs): {odd}"
            )


class Readers:
    """Both accumulators, kept over the life of a run as `tensorboard` keeps them."""

    def __init__(self, folder):
        everything = {event_accumulator.SCALARS: 0}
        self.legacy = event_accumulator.EventAccumulator(str(folder), everything)
        everything = {plugin_event_accumulator.TENSORS: 0}
        self.plugin = plugin_event_accumulator.EventAccumulator(str(folder), everything)

    def check(self, expected, where):
        self.legacy.Reload()
        tags = self.legacy.Tags()["scalars"]
        found = {tag: [(e.step, e.value) for e in self.legacy.Scalars(tag)] for tag in tags}
        compare("EventAccumulator", found, expected.purged, where)
        self.plugin.Reload()
        found = {}
        for tag in self.plugin.Tags()["tensors"]:
            found[tag] = [
                (e.step, float(tensor_util.make_ndarray(e.tensor_proto)))
                for e in self.plugin.Tensors(tag)
            ]
            if self.plugin.SummaryMetadata(tag).plugin_data.plugin_name != "scalars":
                sys.exit(f"{where}: '{tag}' is not on the scalars dashboard")
        compare("the plugins' EventAccumulator", found, expected.purged, where)


def event_files(folder):
    return sorted(folder.iterdir())


def cut_last_record(path, rng):
    """What a kill in the middle of a write leaves: some bytes of a record, at least one."""
    data = path.read_bytes()
    at = 0
    while True:
        size = 12 + struct.unpack_from("<Q", data, at)[0] + 4
        if at + size == len(data):
            break
        at += size
    path.write_bytes(data[: at + rng.randrange(1, size)])


def check_raw(path, purge, begin, where):
    """The first events of a file, and sane times in all of them."""
    events = list(event_file_loader.LegacyEventFileLoader(str(path)).Load())
    if events[0].file_version != "brain.Event:2":
        sys.exit(f"{where}: {path.name} begins with {events[0]}")
    starts = [e.step for e in events if e.session_log.status == SessionLog.START]
    if (purge < 0 and starts) or (purge >= 0 and set(starts) != {purge}):
        sys.exit(f"{where}: {path.name} has START events at {starts}, expected {purge}")
    times = [e.wall_time for e in events]
    if times != sorted(times) or times[0] < begin - 1 or times[-1] > time.time() + 1:
        sys.exit(f"{where}: {path.name}: wall times from {times[0]} to {times[-1]}")
    return len(events)


def draw_value(rng):
    return rng.choice(SPECIAL) if rng.random() < 0.2 else rng.gauss(0, 1) * 10 ** rng.uniform(-9, 9)


def play(program, folder, rng, where):
    """A training that is killed and resumed a few times: how many events its files hold, and what
    the data server should find in them."""
    expected, step, readers, purges = Expected(), 0, Readers(folder), []
    begin = time.time()
    for session in range(rng.randint(2, 4)):
        if session > 0:
            step = rng.choice([0, step, rng.randint(0, step)])
            expected.purge(step)
        purges.append(step if session > 0 else -1)
        writer = Writer(program, folder, purges[-1])
        for _ in range(rng.randint(1, 3)):  # looked at as it grows
            for _ in range(rng.randint(1, 60)):
                for tag in rng.sample(TAGS, rng.randint(1, len(TAGS))):
                    value = draw_value(rng)
                    writer.scalar(tag, step, value)
                    expected.add(tag, step, value)
                step += rng.choice([1, 7, 1000, 2**33])
            readers.check(expected, f"{where}, session {session}")
        writer.scalar(TAGS[0], step, 1.0)
        if rng.random() < 0.5:
            writer.close()
            expected.add(TAGS[0], step, 1.0)
        else:
            writer.kill()
            cut_last_record(event_files(folder)[-1], rng)
        step += 1
        readers.check(expected, f"{where}, after session {session}")
    Readers(folder).check(expected, f"{where}, read from the beginning")
    files = event_files(folder)
    if len(files) != len(purges):
        sys.exit(f"{where}: {len(files)} files of {len(purges)} sessions")
    n_events = sum(check_raw(p, purge, begin, where) for p, purge in zip(files, purges))
    return n_events, expected.preempted


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def fetch(url):
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(url, timeout=10) as answer:
        return json.loads(answer.read())


def serve(folder, expected_of, log):
    """A plain `tensorboard`, asked over HTTP as a browser asks it."""
    port = free_port()
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--reload_interval", "1"]
    command += ["--load_fast", "true"]
    command += ["--samples_per_plugin", "scalars=100000"]
    server = subprocess.Popen(command, stdout=log, stderr=log)
    base = f"http://127.0.0.1:{port}/data/plugin/scalars"
    try:
        wanted = {run: sorted(expected) for run, expected in expected_of.items()}
        tags, deadline = {}, time.monotonic() + 120
        while {run: sorted(found) for run, found in tags.items()} != wanted:
            if time.monotonic() > deadline or server.poll() is not None:
                sys.exit(f"tensorboard shows {tags}, expected {wanted}; it says:\n{tail(log)}")
            time.sleep(0.5)
            try:
                tags = fetch(base + "/tags")
            except (urllib.error.URLError, OSError):
                pass  # not up yet
        for run, expected in expected_of.items():
            found = {}
            for tag in tags[run]:
                query = urllib.parse.urlencode({"run": run, "tag": tag})
                rows = fetch(f"{base}/scalars?{query}")
                found[tag] = [(row[1], float(row[2])) for row in rows]
            compare("tensorboard", found, expected, f"run {run}")
    finally:
        server.terminate()
        server.wait()


def tail(log):
    log.flush()
    return Path(log.name).read_text(errors="replace")[-2000:]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--writer", required=True)
    parser.add_argument("--seed", type=int, default=None, help="repeat a run; default: drawn")
    parser.add_argument("--rounds", type=int, default=6, help="runs to play")
    args = parser.parse_args()
    seed = secrets.randbits(32) if args.seed is None else args.seed
    version = tensorboard.__version__
    print(f"TensorBoard {version}; repeat with --seed {seed} --rounds {args.rounds}")
    logging.getLogger("tensorboard").setLevel(logging.ERROR)  # a warning a purge
    rng = random.Random(seed)
    begin = time.monotonic()
    writer = str(Path(args.writer).resolve())
    n_events, expected_of = 0, {}
    with tempfile.TemporaryDirectory() as folder:
        for i in range(args.rounds):
            run = f"run-{i}"
            where = f"seed {seed}, {run}"
            n, expected_of[run] = play(writer, Path(folder) / run, rng, where)
            n_events += n
        with open(Path(folder) / "log.txt", "w", encoding="utf-8") as log:
            serve(folder, expected_of, log)
    print(
        f"TensorBoard reads what was written: {n_events} events of {args.rounds} runs, killed and "
        f"resumed; {time.monotonic() - begin:.1f} s"
    )


if __name__ == "__main__":
    main()
