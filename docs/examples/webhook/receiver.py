# Receives the events of wabridge: checks who sent them, answers at once, works later.
#   WEBHOOK_SECRET=whsec_… python3 receiver.py
import base64
import hashlib
import hmac
import json
import os
import queue
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = os.environ["WEBHOOK_SECRET"]
PATH = "/hooks/whatsapp"
PORT = int(os.environ.get("PORT", "8000"))
todo = queue.Queue()


def verify(headers, body: bytes) -> bool:
    """Standard Webhooks: signed with our secret, not older than five minutes."""
    stamp = headers.get("webhook-timestamp", "")
    if not stamp.isdigit() or abs(time.time() - int(stamp)) > 300:
        return False
    signed = f"{headers.get('webhook-id', '')}.{stamp}.".encode() + body
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    want = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(want.encode(), given.encode())
               for given in headers.get("webhook-signature", "").split())


def verify_hub(headers, body: bytes) -> bool:
    """X-Hub-Signature-256, as GitHub and Meta sign; it knows no time."""
    want = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(want.encode(), headers.get("X-Hub-Signature-256", "").encode())


# One of the two is enough. Choose here, never by what the sender brings.
check = verify_hub if os.environ.get("WEBHOOK_CHECK") == "hub" else verify


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        good = self.path == PATH and check(self.headers, body)
        if good:
            todo.put(json.loads(body))  # store it instead, so that it survives a restart
        self.send_response(204 if good else 401)
        self.end_headers()


def work():
    seen = set()
    while True:
        event = todo.get()
        if event["id"] not in seen:  # the same event can arrive twice
            seen.add(event["id"])
            print(event["type"], event["data"], flush=True)


threading.Thread(target=work, daemon=True).start()
server = ThreadingHTTPServer(("127.0.0.1", PORT), Receiver)
print(f"listening on {server.server_port}", flush=True)
server.serve_forever()
