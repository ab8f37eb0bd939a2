"""Who is measured, on what, and how: each contender turns a case into a command and its output into tokens a second."""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from setup import llama_tool, venv_python

WARM_UP_LIMIT = 2048  # llama-bench warms up with the whole prompt: above this its time would only double


@dataclasses.dataclass(frozen=True)
class Case:
    model: str  # smollm2 | gemma
    kind: str  # prefill | decode
    length: int  # prompt tokens, or the depth to decode at

    def __str__(self) -> str:
        where = f"{self.length // 1024}K" if self.length >= 1024 and self.length % 1024 == 0 else str(self.length)
        return f"{self.model} {self.kind} {where}"


@dataclasses.dataclass
class Sample:
    tokens_per_second: float
    peak_rss_bytes: int
    cores_busy_elsewhere: float  # mean number of cores that other programs used meanwhile
    peak_private_bytes: int | None = None


@dataclasses.dataclass(frozen=True)
class Contender:
    """`group` names the variants of which only the fastest is reported: as-is | other | openvino | tome."""

    name: str
    group: str
    command: Callable[[Case], list[str]]
    parse: Callable[[str], dict]


def busy_seconds() -> float:
    """CPU seconds used by all programs since boot (/proc/stat: user nice system idle iowait irq softirq)."""
    ticks = [int(x) for x in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:8]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def measure(contender: Contender, case: Case) -> Sample:
    """Runs one process to its end. Peak RSS is the kernel's ru_maxrss of that process."""
    start, busy_before = time.monotonic(), busy_seconds()
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(contender.command(case), stdout=subprocess.PIPE, stderr=log, text=True)
        output = process.stdout.read()  # to its end first: wait4 reaps the process
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        errors = log.read()
    elsewhere = busy_seconds() - busy_before - usage.ru_utime - usage.ru_stime
    if process.returncode != 0:
        last_line = (errors.strip() or "no message").splitlines()[-1]
        raise RuntimeError(f"{contender.name}: exit {process.returncode}: {last_line}")
    values = contender.parse(output)
    return Sample(values["tokens_per_second"], usage.ru_maxrss * 1024,
                  max(0.0, elsewhere) / (time.monotonic() - start), values.get("peak_private_bytes"))


def tome(program: str, models: dict[str, str], flags: list[str]) -> Contender:
    def command(case: Case) -> list[str]:
        size = ["--tokens" if case.kind == "prefill" else "--depth", str(case.length)]
        return [program, "bench", case.kind, "--model", models[case.model], *size, "--json", *flags]

    return Contender("tome", "tome", command, json.loads)


def openvino(folder: pathlib.Path, models: dict[str, str], threads: int, new_tokens: int, backend: str) -> Contender:
    script = pathlib.Path(__file__).with_name("openvino_once.py")

    def command(case: Case) -> list[str]:
        return [str(venv_python(folder)), str(script), case.kind, "--model", models[case.model], "--tokens",
                str(case.length), "--new-tokens", str(new_tokens), "--threads", str(threads), "--backend", backend]

    # OpenVINO's C++ side may print lines of its own before the JSON object.
    return Contender(f"openvino {backend}", "openvino", command, lambda text: json.loads(text.splitlines()[-1]))


def llama(folder: pathlib.Path, model: str, type_name: str, group: str, threads: int, new_tokens: int,
          flash: int) -> Contender:
    def command(case: Case) -> list[str]:
        tests = ["-p", str(case.length), "-n", "0"]
        if case.kind == "decode":
            tests = ["-p", "0", "-n", str(new_tokens), "-d", str(case.length)]
        elif case.length > WARM_UP_LIMIT:
            tests.append("--no-warmup")
        return [str(llama_tool(folder, "llama-bench")), "-m", model, "-t", str(threads), "-fa", str(flash), "-r", "1",
                "-o", "json", *tests]

    def parse(text: str) -> dict:
        return {"tokens_per_second": json.loads(text)[0]["avg_ts"]}

    return Contender(f"llama.cpp {type_name} -fa {flash}", group, command, parse)


def converted(folder: pathlib.Path, model: str, path: str, type_name: str, threads: int) -> str:
    """The model in another type, made once by llama-quantize and kept in the peers' folder."""
    out = folder / "models" / f"{model}-{type_name}.gguf"
    if not out.exists():
        out.parent.mkdir(exist_ok=True)
        unfinished = out.with_suffix(".part")
        print(f"peers: writing {out}", file=sys.stderr)
        command = [str(llama_tool(folder, "llama-quantize")), "--allow-requantize", path, str(unfinished), type_name,
                   str(threads)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        unfinished.rename(out)
    return str(out)
