// A file on its way up. fetch() does not tell how far it is; this does.
import { Problem } from '../../core/api.js';
import { key } from '../../core/auth.js';

// told(share): from 0 to 1; tenant: the path of whose it is. Resolves with the media object of the API, rejects with a Problem.
export function uploadFile(file, told, tenant) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const name = file.name ? `?filename=${encodeURIComponent(file.name)}` : '';
    request.open('POST', `${tenant}/media${name}`);
    request.setRequestHeader('Authorization', `Bearer ${key.value}`);
    request.setRequestHeader('Content-Type', file.type || 'application/octet-stream');
    request.responseType = 'json';
    request.upload.onprogress = (e) => e.lengthComputable && told(e.loaded / e.total);
    request.onload = () => (request.status < 300 ? resolve(request.response) : reject(new Problem(request.status, request.response || {}, { retryAfter: Number(request.getResponseHeader('Retry-After')) || 0, request: request.getResponseHeader('X-Request-Id') || undefined })));
    request.onerror = () => reject(new Problem(0, { code: 'offline', detail: 'the connection was lost' }));
    request.send(file);
  });
}
