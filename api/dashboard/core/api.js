// Calls to the HTTP API with the key of this tab. Every refusal is a Problem (RFC 9457) that carries
// what the server said; what never reached it is a Problem with status 0 and code "offline".
import { key, onRefused, tenant } from './auth.js';

export class Problem extends Error {
  constructor(status, body = {}, { retryAfter = 0, request } = {}) {
    super(body.detail || body.title || `HTTP ${status}`);
    Object.assign(this, { status, code: body.code || (status ? 'http_' + status : 'offline'), errors: body.errors || [], retryAfter, request });
  }
}

// The path of something of the chosen tenant: of`/sessions/${name}/start`
export function of(parts, ...values) {
  return `/v1/tenants/${encodeURIComponent(tenant.value)}` + String.raw({ raw: parts }, ...values.map(encodeURIComponent));
}

function target(path, query) {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(query || {})) {
    if (value !== undefined && value !== null && value !== '') words.set(name, value);
  }
  const text = words.toString();
  return text ? `${path}?${text}` : path;
}

// options: {query, body (JSON), data (Blob, with type), headers, signal, as: 'json'|'blob'|'text'|'response', open}
export async function call(method, path, { query, body, data, type, headers = {}, signal, as = 'json', open = false } = {}) {
  const sent = { ...headers };
  const used = open ? null : key.value;
  if (used) sent.Authorization = `Bearer ${used}`;
  if (body !== undefined) sent['Content-Type'] = 'application/json';
  else if (data) sent['Content-Type'] = type || data.type || 'application/octet-stream';
  let response;
  try {
    response = await fetch(target(path, query), {
      method, headers: sent, signal, cache: 'no-store', credentials: 'omit',
      body: body !== undefined ? JSON.stringify(body) : data,
    });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Problem(0, { code: 'offline', detail: error.message });
  }
  if (!response.ok) throw await problemOf(response, used);
  if (as === 'response') return response;
  if (as === 'blob') return response.blob();
  if (as === 'text') return response.text();
  return response.status === 204 ? null : response.json();
}

async function problemOf(response, used) {
  const body = await response.json().catch(() => ({}));
  const problem = new Problem(response.status, body, { retryAfter: Number(response.headers.get('Retry-After')) || 0, request: response.headers.get('X-Request-Id') || undefined });
  if (problem.status === 401 && used !== null) onRefused(problem, used);
  return problem;
}

export const get = (path, query, options) => call('GET', path, { query, ...options });
export const post = (path, body = {}, options) => call('POST', path, { body, ...options });
export const put = (path, body = {}, options) => call('PUT', path, { body, ...options });
export const patch = (path, body = {}, options) => call('PATCH', path, { body, ...options });
export const del = (path, options) => call('DELETE', path, options);

// Every item of a list, page by page, up to `most`.
export async function all(path, query = {}, { most = 2000, signal } = {}) {
  const items = [];
  let cursor;
  do {
    const page = await get(path, { limit: 500, ...query, cursor }, { signal });
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor && items.length < most);
  return items;
}

// One for each act of a person, so that a repeated request does nothing twice.
export const idempotencyKey = () => crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join('');
