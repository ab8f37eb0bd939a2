#!/usr/bin/env python3
"""Runs a command against a real server of OpenAI's protocol: llama.cpp's, from the package xllamacpp, with gemma.

    tests/eval/real_server.py -- env TOME_API_URL={url} build/release/tests/eval_test --gtest_filter='RealServer*'

In the command {url} is the server's address and {model} the model file. The package goes into an environment that is
thrown away (from PyPI, or from --wheels FOLDER); the model is what `tome pull gemma` fetched, or --model FILE. No default
test: it needs the network and minutes. Ends with the command's exit code.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from pathlib import Path

PACKAGE = "xllamacpp"
SERVE = """
import sys
import xllamacpp

params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.n_ctx = int(sys.argv[2])
params.n_parallel = 1
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = int(sys.argv[3])
if sys.argv[4] == "embeddings":
    params.embedding = True
    params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
"""


def default_model() -> Path:
    home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
    return home / "tome/models/gemma.gguf"


def install(folder: Path, wheels: Path | None) -> Path:
    """The Python of a new environment that has the package."""
    venv.create(folder, with_pip=True)
    python = folder / "bin/python"
    source = ["--no-index", "--find-links", str(wheels)] if wheels else []
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", *source, PACKAGE],
        check=True,
        stdout=sys.stderr,
    )
    return python


def wait_until_ready(url: str, seconds: float):
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5) as response:
                if json.load(response).get("status") == "ok":
                    return
        except (OSError, ValueError):
            pass
        if time.monotonic() > end:
            sys.exit(f"{url}: not ready after {seconds:.0f} s")
        time.sleep(0.5)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=default_model())
    parser.add_argument("--wheels", type=Path, help="a folder with the package, instead of PyPI")
    parser.add_argument("--python", type=Path, help="a Python that has the package: nothing is installed")
    parser.add_argument("--context", type=int, default=2048)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--embeddings", action="store_true", help="serve /v1/embeddings instead of answers")
    parser.add_argument("command", nargs="+", help="with {url} and {model} in it")
    flags = parser.parse_args()
    if not flags.model.is_file():
        sys.exit(f"{flags.model}: no such file; tome pull gemma fetches it")
    with tempfile.TemporaryDirectory(prefix="tome-real-server-") as folder:
        python = flags.python or install(Path(folder) / "venv", flags.wheels)
        kind = "embeddings" if flags.embeddings else "answers"
        arguments = [python, "-c", SERVE, flags.model, str(flags.context), str(flags.threads), kind]
        log_path = Path(folder) / "server.log"
        with (
            log_path.open("w+") as log,
            subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True) as server,
        ):
            try:
                url = server.stdout.readline().strip()
                if not url:
                    server.wait()
                    sys.exit(f"the server did not start:\n{log_path.read_text()[-2000:]}")
                wait_until_ready(url, 300)
                command = [part.replace("{url}", url).replace("{model}", str(flags.model)) for part in flags.command]
                return subprocess.run(command, check=False).returncode
            finally:
                server.kill()


if __name__ == "__main__":
    sys.exit(main())
