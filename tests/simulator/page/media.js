// Files as the page has them, and fetched on the way in. Nothing is encrypted here; keys and hashes are
// shaped like the real ones and open nothing.

import { BaseModel, defineModel } from './core.js';
import { define, defineDefault } from './runtime.js';

class OpaqueDataBase {
  throwIfReleased() {}
}

export class OpaqueData extends OpaqueDataBase {
  static async createFromData(data, type) {
    const blob = data instanceof Blob ? data : new Blob([data], { type });
    return new OpaqueData(blob, type ?? blob.type);
  }

  constructor(blob, type) {
    super();
    this._blob = blob;
    this._type = type;
  }

  url() {
    this._url ??= URL.createObjectURL(this._blob);
    return this._url;
  }

  type() { return this._type; }
  size() { return this._blob.size; }
  forceToBlob() { return this._blob; }
  formData() { return this._blob; }
  retain() {}
  release() {}
  autorelease() {}
}

export class MediaData extends BaseModel {}
defineModel(MediaData, {
  proxyName: 'media-data',
  session: ['mediaBlob'],
  props: [
    'type', 'mimetype', 'filehash', 'size', 'mediaStage', 'mediaBlob', 'renderableUrl', 'width', 'height',
    'fullWidth', 'fullHeight', 'waveform', 'duration', 'preview', 'isGif',
  ],
});

// The media of a message that has arrived or was restored, before anyone fetched it.
export function mediaDataOf({ type, mimetype, size, filehash, width, height, duration, isGif }) {
  return new MediaData({ type, mimetype, size, filehash, width, height, duration, isGif, mediaStage: 'INIT' });
}

class MediaObject {
  type = 'DOCUMENT';
  size = 0;
  contentInfo = {};
  blob = null;

  constructor(filehash) {
    this.filehash = filehash;
  }

  consolidate({ size, type }) {
    this.size = size;
    this.type = String(type ?? 'document').toUpperCase();
  }
}

const objects = new Map();
export function mediaObjectOf(filehash) {
  if (!objects.has(filehash)) objects.set(filehash, new MediaObject(filehash));
  return objects.get(filehash);
}

// ---- in ----

const blobCache = new Map();
const fileStore = new Map();

// null when there is no such file any more
async function fetchBytes(directPath) {
  const response = await fetch(directPath);
  return response.ok ? response.blob() : null;
}

export async function resolveMedia(message) {
  const { mediaData, filehash, mimetype } = message;
  if (!mediaData || mediaData.mediaStage === 'RESOLVED') return;
  mediaData.set('mediaStage', 'FETCHING');
  const bytes = await fetchBytes(message.directPath).catch((error) => {
    mediaData.set('mediaStage', 'INIT');
    throw error;
  });
  if (!bytes) {
    mediaData.set('mediaStage', 'ERROR_MISSING');
    return;
  }
  const blob = new Blob([bytes], { type: mimetype });
  mediaData.mediaBlob = await OpaqueData.createFromData(blob, mimetype);
  blobCache.set(filehash, blob);
  mediaData.set('mediaStage', 'RESOLVED');
}

async function downloadAndMaybeDecrypt({ directPath }) {
  const response = await fetch(directPath);
  if (!response.ok) throw Object.assign(new Error(`HTTP ${response.status}`), { status: response.status });
  return response.arrayBuffer();
}

defineDefault('WAWebMediaOpaqueData', () => OpaqueData);
define('WAWebMediaInMemoryBlobCache', () => ({
  InMemoryMediaBlobCacheImpl: Map,
  InMemoryMediaBlobCache: {
    has: (hash) => blobCache.has(hash),
    get: (hash) => blobCache.get(hash),
    put: (hash, blob) => void blobCache.set(hash, blob),
  },
}));
define('WAWebLruMediaStore', () => ({
  LruMediaStore: {
    has: async (hash) => fileStore.has(hash),
    get: async (hash) => fileStore.get(hash),
    put: async (hash, bytes) => void fileStore.set(hash, bytes),
    del: async (hash) => fileStore.delete(hash),
    clear: async () => fileStore.clear(),
    count: async () => fileStore.size,
  },
}));
define('WAWebMediaStorage', () => ({ getOrCreateMediaObject: mediaObjectOf }));
define('WAWebMediaObject', () => ({ MediaObject, webMediaTypeToWamMediaType: (type) => type }));
define('WAWebMmsMediaTypes', () => ({ msgToMediaType: ({ type }) => type, castToV4: (type) => type }));
define('WAWebMediaDataUtils', () => ({ shouldUseMediaCache: () => true }));
define('WAWebDownloadManager', () => ({ downloadManager: { downloadAndMaybeDecrypt } }));
defineDefault('WAWebMediaDataModel', () => MediaData);
