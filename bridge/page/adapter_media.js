// Part of the injected adapter: files of messages, out of the page in pieces. A file that was opened
// stays in the page as a Blob, which Chromium keeps on disk when it is big, until it is closed, was
// not asked for too long, or too many others are open.

const PIECE_MAX = 384 * 1024;   // bytes; half as much again as base64 in JSON
const OPEN_MAX = 4;
const IDLE_MS = 60_000;
const openFiles = new Map();    // handle -> {blob, timer}
let lastHandle = 0;

NEEDS.media = ['chat.downloadMedia', 'chat.getMessageById'];

function closeFile(handle) {
  clearTimeout(openFiles.get(handle)?.timer);
  openFiles.delete(handle);
}

function touchFile(handle) {
  const file = openFiles.get(handle);
  if (!file) throw new Refusal('handle_lost', 'the file is not open any more');
  clearTimeout(file.timer);
  file.timer = setTimeout(() => openFiles.delete(handle), IDLE_MS);
  return file;
}

// A person's status posts are in no chat: the page holds those of the last day.
function statusPost(id) {
  const all = quietly(() => WPP.whatsapp.MsgStore.getModelsArray()) ?? [];
  return all.find((msg) => {
    const key = quietly(() => keyParts(msg.id));
    return key?.chat === STATUS && key.id === id;
  });
}

// The message must be one of the chat: any of ours or theirs, by the last part of its key.
async function fileMessage({ chat: address, id }) {
  const chat = address === STATUS ? null : await chatOf(address);
  const found = chat ? await message(chat, id) : statusPost(id);
  if (!found) throw new Refusal('msg_not_found', 'the page does not have the message');
  return found;
}

// What says that there is nothing to fetch any more, however long one waits: words of errors, and the
// stage in which the page's own download ended.
const GONE = /\b(404|410)\b|expired|MediaNotFound|ERROR_MISSING|NEED_POKE|REUPLOAD/i;

async function download(found) {
  let blob;
  try {
    blob = await WPP.chat.downloadMedia(String(found.id));
  } catch (error) {
    const { code, message: why } = refusal(error);
    const stage = text(quietly(() => found.mediaData.mediaStage), 64);
    if (GONE.test(`${code} ${why} ${stage}`)) throw new Refusal('media_expired', 'WhatsApp does not have the file any more');
    throw error;
  }
  if (!(blob instanceof Blob)) throw new Refusal('media_expired', 'WhatsApp does not have the file any more');
  return blob;
}

async function openFile(args) {
  need('media');
  const found = await fileMessage(args);
  if (!fileOf(found)) throw new Refusal('msg_not_found', 'the message has no file (any more)');
  if (!found.mediaData?.mediaBlob) needLink();
  const blob = await download(found);
  if (openFiles.size >= OPEN_MAX) closeFile(openFiles.keys().next().value);
  const handle = ++lastHandle;
  openFiles.set(handle, { blob });
  touchFile(handle);
  return { handle, size: blob.size, mimetype: text(found.mimetype || blob.type, 128), sha256: hexOf(found.filehash) };
}

const base64Of = (blob) =>
  new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(',') + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });

Object.assign(OPS, {
  media_open: openFile,
  async media_read({ handle, offset, length }) {
    const { blob } = touchFile(handle);
    const piece = blob.slice(offset, offset + Math.min(length, PIECE_MAX));
    return { data: piece.size > 0 ? await base64Of(piece) : '' };
  },
  media_close({ handle }) {
    closeFile(handle);
    return {};
  },
});
