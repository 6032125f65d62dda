// Just enough of LevelDB's log (doc/log_format.md, write_batch.cc) to put one more batch behind it.
const BLOCK = 32768, HEADER = 7;
const FULL = 1, FIRST = 2, MIDDLE = 3, LAST = 4;

function maskedSum(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

// The number of the next write: behind the last batch that begins and ends in one record.
function nextSequence(log) {
  let at = 0, next = 1n;
  while (at + HEADER <= log.length) {
    const room = BLOCK - (at % BLOCK);
    if (room < HEADER) {
      at += room;
      continue;
    }
    const type = log[at + 6], data = at + HEADER;
    if (type === FULL || type === FIRST) next = log.readBigUInt64LE(data) + BigInt(log.readUInt32LE(data + 8));
    at = data + log.readUInt16LE(at + 4);
  }
  return next;
}

// writes: [[key, value]…], short ones. Returns the bytes to append to the log.
export function batchBehind(log, writes) {
  const parts = writes.flatMap(([key, value]) => [Buffer.from([1, key.length]), key, Buffer.from([value.length]), value]);
  const head = Buffer.alloc(12);
  head.writeBigUInt64LE(nextSequence(log), 0);
  head.writeUInt32LE(writes.length, 8);
  const batch = Buffer.concat([head, ...parts]);
  return frame(log.length, batch);
}

// As the records that go at this offset of a log: each block's last bytes are too few for a header.
function frame(at, batch) {
  const out = [];
  for (let first = true; first || batch.length > 0; first = false) {
    const room = BLOCK - (at % BLOCK);
    if (room < HEADER) out.push(Buffer.alloc(room));
    const part = batch.subarray(0, (room < HEADER ? BLOCK : room) - HEADER);
    batch = batch.subarray(part.length);
    const type = batch.length === 0 ? (first ? FULL : LAST) : first ? FIRST : MIDDLE;
    const header = Buffer.alloc(HEADER);
    header.writeUInt32LE(maskedSum(Buffer.concat([Buffer.from([type]), part])), 0);
    header.writeUInt16LE(part.length, 4);
    header[6] = type;
    out.push(header, part);
    at = 0;   // what follows begins a block
  }
  return Buffer.concat(out);
}

// A transaction of IndexedDB that holds its locks (Chromium's "scope"): of a database, and of its
// object stores by their numbers.
export function openTransaction(id, database, stores) {
  const lock = (partition, key) => {
    const body = Buffer.concat([Buffer.from(partition ? [0x08, partition] : []), Buffer.from([0x12, key.length + 2, 0x0a, key.length]), key]);
    return Buffer.concat([Buffer.from([0x0a, body.length]), body]);
  };
  const place = (store) => Buffer.from([0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, store]);
  const key = Buffer.from([0, 0, 0, 0, 0x32, 1, id]);
  return [key, Buffer.concat([lock(0, Buffer.from(database)), ...stores.map((store) => lock(1, place(store)))])];
}
