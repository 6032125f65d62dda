// Files on their way out: looked at, hashed, uploaded, and sent as messages. What cannot be decoded is
// sent all the same; it only has no size or duration. The bytes go out as they came.

import { meIn } from './account.js';
import { MsgKey, wid } from './ids.js';
import { MediaData, mediaObjectOf } from './media.js';
import { sendOut } from './outgoing.js';
import { define, own } from './runtime.js';

const MEGABYTE = 1 << 20;
const THUMBNAIL_PX = 100;
const DECODED_MAX = 16 * MEGABYTE;   // audio longer than that keeps its duration to itself
const DECODE_MS = 3000;

const base64 = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)));
const hashOf = async (blob) => base64(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer()));

// ---- what a file says of itself ----

async function lookAtImage(blob) {
  const bitmap = await createImageBitmap(blob);
  const { width, height } = bitmap;
  bitmap.close();
  return { width, height, fullWidth: width, fullHeight: height };
}

// This page has no video decoder; a client that can read a file's headers wraps the function.
async function generateVideoThumbsAndDuration() {
  throw new Error('MEDIA_ERR_SRC_NOT_SUPPORTED');
}

async function lookAtVideo(file) {
  const head = await file.slice(4, 8).text();
  if (head !== 'ftyp') return {};
  const options = { file, maxDimensions: [THUMBNAIL_PX] };
  const { duration, thumbs } = await own('WAWebVideoThumbnails').generateVideoThumbsAndDuration(options);
  const { fullWidth, fullHeight } = thumbs[0];
  return { duration: Math.round(duration), width: fullWidth, height: fullHeight, fullWidth, fullHeight };
}

async function lookAtAudio(blob) {
  if (blob.size > DECODED_MAX) return {};
  const context = new OfflineAudioContext(1, 1, 44_100);
  const { duration } = await context.decodeAudioData(await blob.arrayBuffer());
  return { duration: Math.ceil(duration) };
}

// The real page makes a WebP of it; here it stays what it is.
const processRawSticker = async (opaque) =>
  new MediaData({ type: 'sticker', mimetype: 'image/webp', mediaBlob: opaque });

function isAnimatedWebp(buffer) {
  return new TextDecoder('latin1').decode(new Uint8Array(buffer, 0, Math.min(64, buffer.byteLength))).includes('ANIM');
}

async function lookAtSticker(blob, opaque) {
  await own('WAWebStickerRaw').processRawSticker(opaque);
  return lookAtImage(blob);
}

const LOOKS = { image: lookAtImage, video: lookAtVideo, audio: lookAtAudio, ptt: lookAtAudio, sticker: lookAtSticker };

async function lookAt(type, blob, opaque) {
  const nothing = new Promise((resolve) => setTimeout(resolve, DECODE_MS, {}));
  const look = LOOKS[type] ? LOOKS[type](blob, opaque).catch(() => ({})) : {};
  return Promise.race([look, nothing]);
}

// ---- prepared and uploaded ----

function typeOf(mimetype, { asDocument, asSticker, isPtt }) {
  if (asDocument) return 'document';
  if (asSticker) return 'sticker';
  if (isPtt) return 'ptt';
  const kind = mimetype.split('/')[0];
  return ['image', 'video', 'audio'].includes(kind) ? kind : 'document';
}

async function prepare(opaque, options) {
  const blob = opaque.forceToBlob();
  const mimetype = opaque.type() ?? '';
  const type = typeOf(mimetype, options);
  const data = new MediaData({
    type,
    mimetype,
    size: blob.size,
    filehash: await hashOf(blob),
    mediaStage: 'RESOLVED',
    mediaBlob: opaque,
    isGif: options.asGif === true,
    ...(await lookAt(type, blob, opaque)),
    ...options.precomputedFields,
  });
  mediaObjectOf(data.filehash).blob = blob;
  return data;
}

// A blob as a request's body is streamed: its bytes are never all here.
async function upload({ mediaObject, blob }) {
  const response = await fetch('/sim/media', { method: 'POST', body: mediaObject.blob ?? blob });
  if (!response.ok) throw new Error(`upload: HTTP ${response.status}`);
  const { direct_path: directPath } = await response.json();
  const url = location.origin + directPath;
  const encFilehash = await hashOf(new Blob(['encrypted ', mediaObject.filehash]));
  return {
    mediaEntry: {
      mmsUrl: url,
      deprecatedMms3Url: url,
      directPath,
      mediaKey: base64(crypto.getRandomValues(new Uint8Array(32))),
      mediaKeyTimestamp: Math.floor(Date.now() / 1000),
      encFilehash,
      uploadHash: encFilehash,
    },
  };
}

// Without the caller's own data (a status post) the page makes the message.
async function ownData(chat) {
  const author = meIn(chat.id);
  const id = new MsgKey({ fromMe: true, remote: wid(String(chat.id)), id: await MsgKey.newId(), participant: author });
  const t = Math.floor(Date.now() / 1000);
  return { id, author, from: author, to: chat.id, t, self: 'out', isNewMsg: true, ack: 0 };
}

class MediaPrep {
  constructor(preparing) {
    this._preparing = preparing;
    preparing.catch(() => {});   // told to whoever waits for it
  }

  async waitForPrep() {
    this._mediaData = await this._preparing;
    return this._mediaData;
  }

  async sendToChat({ chat, options }) {
    const mediaData = await this.waitForPrep();
    const { type, mimetype, size, filehash, width, height, duration, isGif } = mediaData;
    const raw = {
      ...(options.productMsgOptions ?? (await ownData(chat))),   // the caller's key object among them
      type, mimetype, size, filehash, width, height, duration, mediaData,
      isGif: isGif || undefined,
      caption: options.caption,
      isViewOnce: options.isViewOnce,
    };
    const [, sent] = sendOut(chat, raw, async (message) => {
      const mediaObject = mediaObjectOf(filehash);
      const { mediaEntry } = await own('WAWebMediaMmsV4Upload').uploadMedia({ mediaObject, mediaType: type });
      const { directPath, mediaKey, mediaKeyTimestamp, encFilehash, deprecatedMms3Url } = mediaEntry;
      message.set({ directPath, mediaKey, mediaKeyTimestamp, encFilehash, deprecatedMms3Url });
    });
    return sent;
  }
}

define('WAWebVideoThumbnails', () => ({ generateVideoThumbsAndDuration }));
define('WAWebStickerRaw', () => ({ processRawSticker }));
define('WAWebWebpUtils', () => ({ isAnimatedWebp }));
define('WAWebMediaMmsV4Upload', () => ({ uploadMedia: upload, uploadUnencryptedMedia: upload }));
define('WAWebPrepRawMedia', () => ({
  MediaPrep,
  prepRawMedia: (opaque, options) => new MediaPrep(prepare(opaque, options)),
  uploadProductImage() {},
}));
define('WAWebMediaGatingUtils', () => ({
  getUploadLimit: (type) => (type === 'document' ? 2048 : 100) * MEGABYTE,
}));
