#!/usr/bin/env python3
"""A sample receiver of webhooks: checks the signature, prints the event, answers 204.

WEBHOOK_SECRET=whsec_… python3 receiver.py [PORT]
"""
import base64
import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = os.environ.get("WEBHOOK_SECRET", "")
TOLERANCE_S = 300
MAX_BODY = 1 << 20


def signed_by_us(headers, body):
    """Standard Webhooks: v1,<base64 of HMAC-SHA256 over id.timestamp.body>."""
    stamp = headers.get("webhook-timestamp", "0")
    if not stamp.isdigit() or abs(time.time() - int(stamp)) > TOLERANCE_S:
        return False
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    told = f"{headers.get('webhook-id', '')}.{stamp}.".encode() + body
    want = "v1," + base64.b64encode(hmac.new(key, told, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(want, each) for each in headers.get("webhook-signature", "").split())


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        length = int(self.headers.get("content-length", "0"))
        if length > MAX_BODY:
            self.answer(413)
            return
        body = self.rfile.read(length)
        if SECRET and not signed_by_us(self.headers, body):
            print("refused: the signature is not ours", flush=True)
            self.answer(401)
            return
        event = json.loads(body)
        # the same id may come again: keep those that were handled
        print(event["id"], event["type"], json.dumps(event["data"], ensure_ascii=False), flush=True)
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
    server = ThreadingHTTPServer(("0.0.0.0", port), Receiver)
    print(f"listening on {server.server_port}", flush=True)
    server.serve_forever()
