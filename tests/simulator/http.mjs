// The little both servers need from HTTP.

export class HttpError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export async function readBody(req, limit) {
  const chunks = [];
  let size = 0;
  for await (const chunk of req) {
    size += chunk.length;
    if (size > limit) throw new HttpError(413, `body is larger than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export async function readJson(req, limit = 64 << 20) {
  const text = (await readBody(req, limit)).toString('utf8');
  let value;
  try {
    value = JSON.parse(text || '{}');
  } catch {
    throw new HttpError(400, 'body is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new HttpError(400, 'body is not a JSON object');
  }
  return value;
}

export function sendJson(res, value, status = 200) {
  const body = JSON.stringify(value);
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  res.end(body);
}

// Runs a handler; whatever it throws becomes a JSON error with the error's own status, 500 otherwise.
export function serve(handler) {
  return async (req, res) => {
    try {
      await handler(req, res, new URL(req.url, 'http://localhost'));
    } catch (error) {
      if (res.destroyed) return;   // whoever asked is gone, a killed browser for one
      if (!error.status) console.error(error);
      if (!res.headersSent) sendJson(res, { error: error.message }, error.status ?? 500);
      else res.destroy();
    }
  };
}

// Connections are kept long: one that closes just as a client reuses it looks like a failure.
export function listen(server, port) {
  server.keepAliveTimeout = 120_000;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server.address().port));
  });
}

export function close(server) {
  return new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
}
