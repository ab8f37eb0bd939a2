"""A model service on this machine that finds the answers in what it is sent, and misbehaves as it is told."""

import json
import re
import threading
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = "sk-test-0123456789abcdef"


def find_number(prompt: str) -> str:
    """What the task `lines` asks for."""
    asked = re.findall(r"key of room (\S+) have\?", prompt)[-1]
    found = re.search(rf"key of room {re.escape(asked)} has the number (\d+)\.", prompt)
    return found[1] if found else "unknown"


def embedding_of(text: str) -> list[float]:
    """Texts with the same rooms are near each other."""
    vector = [0.01] * 64
    for room in re.findall(r"room (\S+)", text):
        vector[sum(room.encode()) % 64] += 1
    return vector


class ModelService:
    """`misbehave(path, request, attempt)` returns what happens instead of an answer (see `Handler.fail`), or None;
    `attempt` counts the requests of the same body from 1. `answer(prompt)` is what it says else."""

    def __init__(self, answer=find_number, misbehave=lambda path, request, attempt: None):
        self.answer, self.misbehave = answer, misbehave
        self.calls: list[tuple[str, dict, dict]] = []  # path, headers, request
        self.times: list[float] = []
        self.attempts: dict[str, int] = defaultdict(int)
        self.lock = threading.Lock()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                request = json.loads(body)
                with service.lock:
                    service.calls.append((self.path, dict(self.headers), request))
                    service.times.append(time.monotonic())
                    service.attempts[body] += 1
                    attempt = service.attempts[body]
                trouble = service.misbehave(self.path, request, attempt)
                if trouble is None:
                    self.reply(200, json.dumps(service.reply(self.path, request)))
                else:
                    self.fail(trouble)

            def reply(self, status: int, text: str, promised: int | None = None, **headers):
                data = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(promised or len(data)))
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(data)

            def fail(self, trouble: str):
                said = json.dumps({"error": {"message": f"no, {self.headers.get('Authorization', '')}"}})
                if trouble == "busy":
                    self.reply(429, said, Retry_After="1")
                elif trouble == "broken":
                    self.reply(500, said)
                elif trouble == "refused":
                    self.reply(400, said)
                elif trouble == "stranger":
                    self.reply(401, said)
                elif trouble == "half":
                    self.reply(200, '{"choices": [{"mess', promised=500)
                    self.close_connection = True
                elif trouble == "wrong JSON":
                    self.reply(200, '{"choices": 7}')
                elif trouble == "slow":
                    time.sleep(3)
                    self.close_connection = True

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def asked(self, path: str = "") -> list[dict]:
        return [request for at, _, request in self.calls if at.endswith(path)]

    def reply(self, path: str, request: dict) -> dict:
        if path == "/v1/embeddings":
            return {"data": [{"index": i, "embedding": embedding_of(text)} for i, text in enumerate(request["input"])]}
        if path == "/v1/completions":
            return {
                "choices": [{"text": self.answer(request["prompt"]), "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 100, "completion_tokens": 10},
            }
        text = self.answer("\n".join(message["content"] for message in request["messages"]))
        if path == "/v1/chat/completions":
            return {
                "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 100, "completion_tokens": 10},
            }
        return {
            "content": [{"type": "text", "text": text}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 100, "output_tokens": 10},
        }
