"""Holds our cache of the model hub against huggingface_hub's, on a hub on the loopback.

    python read_hub.py TEST_HUB
"""
import os
import subprocess
import sys
import tempfile

program = os.path.abspath(sys.argv[1])
work = tempfile.TemporaryDirectory()
os.environ.update(HF_HOME=os.path.join(work.name, "home"), HF_HUB_DISABLE_TELEMETRY="1",
                  HF_HUB_DISABLE_PROGRESS_BARS="1", HF_HUB_DISABLE_UPDATE_CHECK="1", NO_PROXY="127.0.0.1")
for name in ("HF_ENDPOINT", "HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_CACHE"):
    os.environ.pop(name, None)
server = subprocess.Popen([program, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
endpoint, card_hash, weights_hash = server.stdout.readline().split()
os.environ["HF_ENDPOINT"] = endpoint

from huggingface_hub import hf_hub_download, scan_cache_dir, try_to_load_from_cache  # noqa: E402
from huggingface_hub.utils import EntryNotFoundError  # noqa: E402

REPO, FILES = "someone/ant-expert", {"README.md": card_hash, "weights/model.zip": weights_hash}
ours, theirs = os.path.join(work.name, "ours"), os.path.join(work.name, "theirs")


def fetch(where, cache, ref):
    """Ours: bytes transferred, path, or None where it fails."""
    done = subprocess.run([program, "--fetch", where, cache, f"hf://{REPO}{ref}"], capture_output=True, text=True)
    if done.returncode:
        return None, done.stderr
    n, path = done.stdout.rstrip("\n").split(" ", 1)
    return int(n), path


def check(condition, what):
    if not condition:
        server.stdin.close()
        sys.exit(f"FAILED: {what}")


def tree(cache):
    """Every file and link below the repository's folder: path to what it is."""
    found, top = {}, os.path.join(cache, "models--someone--ant-expert")
    for folder, _, names in os.walk(top):
        for name in names:
            path = os.path.join(folder, name)
            what = os.readlink(path) if os.path.islink(path) else open(path, "rb").read()
            found[os.path.relpath(path, top)] = what
    return found


# Ours first, then Python without a network.
for name in FILES:
    n, path = fetch(endpoint, ours, "/" + name)
    check(n, f"ours did not fetch {name}: {path}")
    check(hf_hub_download(REPO, name, cache_dir=ours, local_files_only=True) == path, f"{name} is elsewhere for Python")
    check(try_to_load_from_cache(REPO, name, cache_dir=ours) == path, f"{name} is not in Python's eyes cached")
n, words = fetch(endpoint, ours, "/nothing.zip")
check(n is None and "has no file" in words, f"a missing file: {words}")
check(not isinstance(try_to_load_from_cache(REPO, "nothing.zip", cache_dir=ours), (str, type(None))),
      "Python does not know that ours found a file missing")
report = scan_cache_dir(ours)
check(not report.warnings, f"Python's scan of our cache: {report.warnings}")
(repo,) = report.repos
check(repo.repo_id == REPO and repo.refs.keys() == {"main"}, f"Python's scan sees {repo}")
files = {f.file_path.relative_to(r.snapshot_path).as_posix(): f.blob_path.name for r in repo.revisions for f in r.files}
check(files == FILES, f"Python's scan sees {files}")

# Python first, then ours without a network, then with one.
for name in FILES:
    hf_hub_download(REPO, name, cache_dir=theirs)
try:
    hf_hub_download(REPO, "nothing.zip", cache_dir=theirs)
    check(False, "Python found a missing file")
except EntryNotFoundError:
    pass
for name in FILES:
    expected = hf_hub_download(REPO, name, cache_dir=theirs, local_files_only=True)
    for where in ("offline", endpoint):
        n, path = fetch(where, theirs, "/" + name)
        check(n == 0 and path == expected, f"{name} ({where}) of Python's cache: {n} {path}")
n, words = fetch("offline", theirs, "/nothing.zip")
check(n is None and "has no file" in words, f"ours does not know what Python found missing: {words}")

# The same tree, entry for entry and byte for byte.
check(tree(ours) == tree(theirs), f"trees differ: {sorted(set(tree(ours)) ^ set(tree(theirs)))}")

# What Python's download would find, ours may have left half-done, and the other way round.
blob = os.path.join(theirs, "models--someone--ant-expert", "blobs", weights_hash)
content = open(blob, "rb").read()
os.unlink(blob)
with open(blob + ".incomplete", "wb") as f:
    f.write(content[:70000])
n, path = fetch(endpoint, theirs, "/weights/model.zip")
check(n == len(content) - 70000 and open(path, "rb").read() == content, f"a half download: {n} {path}")
server.stdin.close()
server.wait()
print(f"huggingface_hub and ours agree on {len(FILES)} files, both ways")
