#!/usr/bin/env python3
"""tome pull against a local server that redirects, cuts connections half way and knows ranges."""

import hashlib
import re
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from program import ProgramTest

CONTENT = b"GGUF" + bytes(range(256)) * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """/file.gguf, cut once when server.cut is set; /owner/repo/resolve/main/x leads there and states the SHA-256."""

    def do_GET(self):
        self.server.ranges.append(self.headers.get("Range"))
        if "/resolve/main/" in self.path:
            self.send_response(302)
            self.send_header("Location", "/file.gguf")
            self.send_header("X-Linked-Etag", f'"{self.server.stated}"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if self.path != "/file.gguf":
            self.send_error(404)
            return
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        begin = int(asked[1]) if asked and self.headers.get("If-Range") in (None, '"v1"') else 0
        self.send_response(206 if begin else 200)
        self.send_header("ETag", '"v1"')
        self.send_header("Content-Length", str(len(CONTENT) - begin))
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.end_headers()
        end = len(CONTENT) // 2 if self.server.cut else len(CONTENT)
        self.server.cut = False
        self.wfile.write(CONTENT[begin:end])
        self.close_connection = True

    def log_message(self, *_):
        pass


class Pull(ProgramTest):
    def setUp(self):
        super().setUp()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.cut, self.server.stated, self.server.ranges = False, SHA256, []
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        self.target = self.models / "file.gguf"

    def test_cut_connection_is_taken_up_again(self):
        self.server.cut = True
        result = self.good_json("pull", self.base + "/file.gguf", "--sha256", SHA256)
        self.assertTrue(result["checked"])
        self.assertEqual(self.target.read_bytes(), CONTENT)
        self.assertEqual(self.server.ranges, [None, f"bytes={len(CONTENT) // 2}-"])
        self.assertEqual(sorted(path.name for path in self.models.iterdir()), ["file.gguf", "tiny"])

    def test_hugging_face_states_the_hash(self):
        hf = "hf:owner/repo/file.gguf"
        self.assertTrue(self.good_json("pull", hf, HF_ENDPOINT=self.base)["checked"])
        self.wrong("pull", hf, says="--force", HF_ENDPOINT=self.base)
        self.server.stated = "0" * 64
        self.wrong("pull", hf, "--force", says="SHA-256", HF_ENDPOINT=self.base)
        self.assertEqual(self.target.read_bytes(), CONTENT)

    def test_wrong_names_are_said(self):
        self.wrong("pull", self.base + "/nothing.gguf", says="404")
        self.wrong("pull", "unheard-of", says="tome models")
        self.wrong("pull", "hf:owner/repo", says="hf:owner/repo/file")


if __name__ == "__main__":
    unittest.main()
