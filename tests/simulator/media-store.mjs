// The files that pages and phones have uploaded. Each upload has a path of its own, even of bytes that
// were there before, so that a test can let one file expire and keep its twin.

import { createCipheriv, createHash } from 'node:crypto';

export class MediaStore {
  #files = new Map();
  #expired = new Set();
  #count = 0;

  put(bytes) {
    const filehash = createHash('sha256').update(bytes).digest('base64');
    const direct_path = `/sim/media/${++this.#count}-${Buffer.from(filehash, 'base64').toString('base64url')}`;
    this.#files.set(direct_path, bytes);
    return { direct_path, filehash, size: bytes.length };
  }

  get(directPath) {
    return this.#expired.has(directPath) ? undefined : this.#files.get(directPath);
  }

  // Gone, or there again. -> whether there ever was such a file
  expire(directPath, expired) {
    if (expired) this.#expired.add(directPath);
    else this.#expired.delete(directPath);
    return this.#files.has(directPath);
  }
}

// The same bytes for the same seed, on both sides of a test, without anybody posting them: AES-128 in
// counter mode over zeros, its key the first half of the seed's SHA-256.
export function seededBytes(size, seed) {
  const key = createHash('sha256').update(String(seed)).digest().subarray(0, 16);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size));
}
