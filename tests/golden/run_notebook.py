#!/usr/bin/env python3
"""Execute a notebook from top to bottom, in a folder of its own; its outputs go nowhere. Run by
python_wheel.sh. A notebook in the repository has no outputs, which is checked too."""

import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient


def main():
    path = Path(sys.argv[1])
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in code:
        if cell.outputs or cell.execution_count is not None:
            sys.exit(f"{path.name}: a cell has outputs; clear them before it is committed")
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook, timeout=None, kernel_name="python3", resources={"metadata": {"path": folder}}
        )
        client.execute()
    for cell in code:
        for output in cell.outputs:
            if output.output_type == "stream":
                print(output.text, end="")
    print(f"{path.name}: {len(code)} cells executed in {time.monotonic() - begin:.0f} s")


main()
