#!/usr/bin/env python3
"""TensorBoard's own readers on the histograms, images, texts and hyperparameters that we write. Run by
read_events.sh, after read_events.py.

The writer is the test program test_tensorboard, told on its standard input what to write. Every run's
files are written twice, the second time with other values and a START event: nothing of the first
writing may be left. Who reads: the accumulator behind `tensorboard --load_fast=false`, and over HTTP,
as a browser asks, both servers of TensorBoard with the plugins of its tabs: Histograms, Distributions,
Images, Text and HParams.
"""
import argparse
import json
import logging
import math
import random
import secrets
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from pathlib import Path

import numpy as np
import tensorboard
from tensorboard.backend.event_processing import plugin_event_accumulator
from tensorboard.plugins.distribution import compressor
from tensorboard.plugins.hparams import metadata as hparams_metadata
from tensorboard.util import tensor_util

from read_events import Writer, as_float32, fetch, free_port, tail

TAGS = ["states/height", "observation/003 torso z, é", "h"]


def die(message):
    sys.exit(message)


def png(rng):
    """A small grey picture: width, height, bytes of a PNG."""
    width, height = rng.randint(1, 9), rng.randint(1, 9)
    rows = b"".join(b"\0" + rng.randbytes(width) for _ in range(height))

    def chunk(kind, data):
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return width, height, b"\x89PNG\r\n\x1a\n" + body


def bins(rng):
    """Edges and counts, some of them 0; what readers should find."""
    n = rng.randint(1, 70)
    edges = np.cumsum(np.concatenate([[rng.gauss(0, 10)], np.random.rand(n) + 1e-3]))
    counts = [rng.choice([0, rng.randint(1, 10**6), rng.random()]) for _ in range(n)]
    kept = [i for i in range(n) if counts[i] > 0]
    first, last = (kept[0], kept[-1] + 1) if kept else (0, 0)
    rows = [[edges[i], edges[i + 1], counts[i]] for i in range(first, last)]
    return edges.tolist(), counts, rows


def numbers(values):
    return " ".join(float(v).hex() for v in values)


class Run:
    """A folder of events, and what is in it after the last writing."""

    def __init__(self, program, folder, rng):
        self.folder, self.scratch = folder, folder.parent.parent / "scratch"
        self.scratch.mkdir(exist_ok=True)
        for purge in (-1, 0):
            self.histograms, self.images, self.texts = {}, {}, {}
            self.hparams = {}
            writer = Writer(program, folder, purge)
            self.write(writer, rng)
            if purge < 0 and rng.random() < 0.5:
                writer.kill()
            else:
                writer.close()

    def tell_file(self, writer, kind, step, tag, data):
        path = self.scratch / "data"
        path.write_bytes(data)
        writer.tell(f"{kind} {step} {tag}\t{path}")

    def write(self, writer, rng):
        for step in range(3):
            for tag in TAGS:
                edges, counts, rows = bins(rng)
                writer.tell(
                    f"histogram {step} {len(counts)} {numbers(edges)} {numbers(counts)} {tag}"
                )
                self.histograms.setdefault(tag, []).append((step, rows))
            image = png(rng)
            self.tell_file(writer, "image", step, "figures/loss", image[2])
            self.images.setdefault("figures/loss", []).append((step, image))
            text = rng.choice(["| a | b |\n|--|--|\n| 1 | 2 |\n", "```yaml\nα: 1\n```\n", ""])
            self.tell_file(writer, "text", step, "settings", text.encode())
            self.texts.setdefault("settings", []).append((step, text))
        # The first hyperparameters of a run are those that TensorBoard keeps: a run's never change.
        self.hparams = {"bc.epochs": 3.0, "seed": 0.0, "warm": True, "task": "Ant-v5 é", "x": "inf"}
        line = "\t".join(
            f"{name}\t" + (f"b{int(v)}" if v is True else f"t{v}" if isinstance(v, str) else f"n{v}")
            for name, v in self.hparams.items()
            if name != "x"
        )
        writer.tell(f"hparams 1000.5\t{line}\tx\tninf")
        self.outcome = as_float32(rng.gauss(0, 1000))
        writer.scalar("outcome/return", 0, self.outcome)
        writer.tell("end 1 2000.25")


def check_accumulator(run, where):
    reader = plugin_event_accumulator.EventAccumulator(
        str(run.folder), {plugin_event_accumulator.TENSORS: 0}
    )
    reader.Reload()

    def values(tag, plugin):
        found = reader.SummaryMetadata(tag).plugin_data.plugin_name
        if found != plugin:
            die(f"{where}: '{tag}' is of plugin '{found}', expected '{plugin}'")
        return [(e.step, tensor_util.make_ndarray(e.tensor_proto)) for e in reader.Tensors(tag)]

    for tag, rows in run.histograms.items():
        found = [(step, array.tolist()) for step, array in values(tag, "histograms")]
        if found != [(step, row) for step, row in rows]:
            die(f"{where}: histogram '{tag}': {found}, expected {rows}")
    for tag, rows in run.images.items():
        found = [(step, list(array)) for step, array in values(tag, "images")]
        wanted = [(s, [str(w).encode(), str(h).encode(), b]) for s, (w, h, b) in rows]
        if found != wanted:
            die(f"{where}: image '{tag}' differs")
    for tag, rows in run.texts.items():
        found = [(step, array.item().decode()) for step, array in values(tag, "text")]
        if found != rows:
            die(f"{where}: text '{tag}': {found}, expected {rows}")
    content = reader.SummaryMetadata(hparams_metadata.SESSION_START_INFO_TAG).plugin_data.content
    start = hparams_metadata.parse_session_start_info_plugin_data(content)
    found = {k: getattr(v, v.WhichOneof("kind")) for k, v in start.hparams.items()}
    if found != run.hparams or start.start_time_secs != 1000.5:
        die(f"{where}: hyperparameters {found}, expected {run.hparams}")
    content = reader.SummaryMetadata(hparams_metadata.SESSION_END_INFO_TAG).plugin_data.content
    end = hparams_metadata.parse_session_end_info_plugin_data(content)
    if end.end_time_secs != 2000.25 or end.status != 1:
        die(f"{where}: the session ends with {end}")


class Server:
    """A `tensorboard`, asked over HTTP as a browser asks it."""

    def __init__(self, folder, fast, log):
        port = free_port()
        command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder)]
        command += ["--host", "127.0.0.1", "--port", str(port), "--reload_interval", "1"]
        command += ["--load_fast", "true" if fast else "false"]
        self.log = log
        self.process = subprocess.Popen(command, stdout=log, stderr=log)
        self.base = f"http://127.0.0.1:{port}/data/plugin/"

    def get(self, path, **query):
        return fetch(self.base + path + ("?" + urllib.parse.urlencode(query) if query else ""))

    def raw(self, path):
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(self.base + path, timeout=10) as answer:
            return answer.read()

    def post(self, path, body):
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        request = urllib.request.Request(
            self.base + path,
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with direct.open(request, timeout=10) as answer:
            return json.loads(answer.read())

    def wait(self, ready):
        deadline = time.monotonic() + 180
        while True:
            try:
                if ready():
                    return
            except (urllib.error.URLError, OSError, KeyError, IndexError):
                pass  # not up yet, or not read yet
            if time.monotonic() > deadline or self.process.poll() is not None:
                die(f"tensorboard does not show what was written; it says:\n{tail(self.log)}")
            time.sleep(0.5)

    def close(self):
        self.process.terminate()
        self.process.wait()


def check_histograms(server, name, run):
    for tag, rows in run.histograms.items():
        found = server.get("histograms/histograms", run=name, tag=tag)
        if [(s, b) for _, s, b in found] != rows:
            die(f"Histograms: '{tag}' of {name}: {found}, expected {rows}")
        found = server.get("distributions/distributions", run=name, tag=tag)
        wanted = [
            [list(pair) for pair in compressor.compress_histogram(row)] for _, row in rows
        ]
        if [b for _, _, b in found] != wanted:
            die(f"Distributions: '{tag}' of {name}: {found}, expected {wanted}")


def check_images(server, name, run):
    for tag, rows in run.images.items():
        found = server.get("images/images", run=name, tag=tag, sample=0)
        if [(f["step"]) for f in found] != [step for step, _ in rows]:
            die(f"Images: '{tag}' of {name}: {found}")
        for one, (_, (width, height, data)) in zip(found, rows):
            blob = server.raw("images/individualImage?" + one["query"])
            if blob != data or (one.get("width"), one.get("height")) not in [
                (width, height),
                (None, None),
            ]:
                die(f"Images: '{tag}' of {name} is not the file that was written")


def check_texts(server, name, run):
    for tag, rows in run.texts.items():
        found = server.get("text/text", run=name, tag=tag, markdown="false")
        words = [(f["step"], f["text"]) for f in found]
        for (step, text), (found_step, html) in zip(rows, words, strict=True):
            if step != found_step or ("α" in text) != ("α" in html):
                die(f"Text: '{tag}' of {name}: {words}, expected {rows}")


def check_hparams(server, runs):
    experiment = server.post("hparams/experiment", {"experimentName": ""})
    names = sorted(info["name"] for info in experiment["hparamInfos"])
    metrics = [info["name"]["tag"] for info in experiment["metricInfos"]]
    wanted = sorted(next(iter(runs.values())).hparams)
    if names != wanted or metrics != ["outcome/return"]:
        die(f"HParams: columns {names} and {metrics}, expected {wanted} and outcome/return")
    groups = server.post(
        "hparams/session_groups",
        {"startIndex": 0, "sliceSize": 100, "allowedStatuses": ["STATUS_SUCCESS"]},
    )["sessionGroups"]
    found = {group["sessions"][0]["name"]: group for group in groups}
    if sorted(found) != sorted(runs):
        die(f"HParams: sessions {sorted(found)}, expected {sorted(runs)}")
    for name, run in runs.items():
        if found[name]["hparams"] != run.hparams:
            die(f"HParams: {name} has {found[name]['hparams']}, expected {run.hparams}")
        value = found[name]["metricValues"][0]["value"]
        if not math.isclose(value, run.outcome, rel_tol=1e-6):
            die(f"HParams: {name} came to {value}, expected {run.outcome}")


def serve(folder, runs, fast, log):
    server = Server(folder, fast, log)

    def ready():
        for name, run in runs.items():
            shown = server.get("histograms/histograms", run=name, tag=TAGS[0])
            value = server.get("scalars/scalars", run=name, tag="outcome/return")
            if not math.isclose(value[-1][2], run.outcome, rel_tol=1e-6):
                return False
            if [b for _, _, b in shown] != [row for _, row in run.histograms[TAGS[0]]]:
                return False
        return True

    try:
        server.wait(ready)
        for name, run in runs.items():
            check_histograms(server, name, run)
            check_images(server, name, run)
            check_texts(server, name, run)
        check_hparams(server, runs)
    finally:
        server.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--writer", required=True)
    parser.add_argument("--seed", type=int, default=None, help="repeat a run; default: drawn")
    parser.add_argument("--rounds", type=int, default=6, help="runs to write")
    args = parser.parse_args()
    seed = secrets.randbits(32) if args.seed is None else args.seed
    print(f"TensorBoard {tensorboard.__version__}, values; repeat with --seed {seed}")
    logging.getLogger("tensorboard").setLevel(logging.ERROR)
    rng = random.Random(seed)
    np.random.seed(seed)
    program = str(Path(args.writer).resolve())
    with tempfile.TemporaryDirectory() as folder:
        runs = {}
        for i in range(args.rounds):
            name = f"run-{i}/summary"
            path = Path(folder) / "logs" / name
            path.mkdir(parents=True)
            runs[name] = Run(program, path, rng)
            check_accumulator(runs[name], f"seed {seed}, {name}")
        for fast in (True, False):
            with open(Path(folder) / f"log-{fast}.txt", "w", encoding="utf-8") as log:
                serve(Path(folder) / "logs", runs, fast, log)
    print(
        f"TensorBoard shows what was written: histograms, distributions, images, text and "
        f"hyperparameters of {args.rounds} runs, each written twice"
    )


if __name__ == "__main__":
    main()
