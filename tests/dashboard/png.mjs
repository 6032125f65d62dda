// A PNG of at most 256 colours from one of any: a third of the size, for pictures in a repository.
// Median cut; no dithering, which would cost what it wins on flat surfaces.
import zlib from 'node:zlib';

const SIGNATURE = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
const COLOURS = 256;

function* chunks(png) {
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at);
    yield { type: png.toString('latin1', at + 4, at + 8), data: png.subarray(at + 8, at + 8 + length) };
    at += 12 + length;
  }
}

// 8-bit RGB or RGBA, not interlaced, as Chromium makes them → {width, height, pixels: RGB}
function decode(png) {
  const parts = [...chunks(png)];
  const head = parts.find((c) => c.type === 'IHDR').data;
  const [width, height, depth, kind] = [head.readUInt32BE(0), head.readUInt32BE(4), head[8], head[9]];
  if (depth !== 8 || (kind !== 2 && kind !== 6)) throw new Error(`a PNG of kind ${kind}, ${depth} bits`);
  const size = kind === 6 ? 4 : 3, line = width * size;
  const raw = zlib.inflateSync(Buffer.concat(parts.filter((c) => c.type === 'IDAT').map((c) => c.data)));
  const out = Buffer.alloc(line * height), pixels = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (line + 1)];
    for (let x = 0; x < line; x++) {
      const left = x >= size ? out[y * line + x - size] : 0, up = y ? out[(y - 1) * line + x] : 0, corner = y && x >= size ? out[(y - 1) * line + x - size] : 0;
      const p = left + up - corner, [a, b, c] = [Math.abs(p - left), Math.abs(p - up), Math.abs(p - corner)];
      const guess = [0, left, up, (left + up) >> 1, a <= b && a <= c ? left : b <= c ? up : corner][filter];
      out[y * line + x] = raw[y * (line + 1) + 1 + x] + guess;
    }
  }
  for (let i = 0; i < width * height; i++) out.copy(pixels, i * 3, i * size, i * size + 3);
  return { width, height, pixels };
}

const channel = (colour, i) => (colour >> (16 - 8 * i)) & 255;
function spread(box) {
  let best = { range: -1 };
  for (let i = 0; i < 3; i++) {
    let low = 255, high = 0;
    for (const { colour } of box) [low, high] = [Math.min(low, channel(colour, i)), Math.max(high, channel(colour, i))];
    if (high - low > best.range) best = { range: high - low, i };
  }
  return best;
}

// The box that holds most, spread out most, is cut in its middle until there are enough.
function palette(counts) {
  let boxes = [[...counts].map(([colour, n]) => ({ colour, n }))];
  while (boxes.length < COLOURS) {
    const ranked = boxes.map((box) => ({ box, ...spread(box), n: box.reduce((sum, c) => sum + c.n, 0) })).filter((x) => x.range > 0);
    if (!ranked.length) break;
    const { box, i } = ranked.reduce((a, b) => (a.range * Math.sqrt(a.n) >= b.range * Math.sqrt(b.n) ? a : b));
    box.sort((a, b) => channel(a.colour, i) - channel(b.colour, i));
    const half = box.reduce((sum, c) => sum + c.n, 0) / 2;
    let at = 0, seen = 0;
    while (at < box.length - 1 && (seen += box[at].n) < half) at++;
    at = Math.max(1, Math.min(at, box.length - 1));
    boxes = boxes.filter((other) => other !== box).concat([box.slice(0, at), box.slice(at)]);
  }
  // each box is shown by its commonest colour: surfaces keep exactly theirs
  const index = new Map(), colours = boxes.map((box, k) => {
    for (const { colour } of box) index.set(colour, k);
    return box.reduce((a, b) => (a.n >= b.n ? a : b)).colour;
  });
  return { index, colours };
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc(body), body.length + 4);
  return out;
}
function crc(data) {
  let value = -1;
  for (const byte of data) {
    value ^= byte;
    for (let k = 0; k < 8; k++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  }
  return (value ^ -1) >>> 0;
}

export function shrink(png) {
  const { width, height, pixels } = decode(png);
  const counts = new Map();
  const colourAt = (i) => (pixels[i * 3] << 16) | (pixels[i * 3 + 1] << 8) | pixels[i * 3 + 2];
  for (let i = 0; i < width * height; i++) counts.set(colourAt(i), (counts.get(colourAt(i)) ?? 0) + 1);
  const { index, colours } = palette(counts);
  const rows = Buffer.alloc((width + 1) * height);
  for (let i = 0; i < width * height; i++) rows[Math.floor(i / width) * (width + 1) + 1 + (i % width)] = index.get(colourAt(i));
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3, 0, 0, 0], 8);
  const table = Buffer.from(colours.flatMap((colour) => [channel(colour, 0), channel(colour, 1), channel(colour, 2)]));
  return Buffer.concat([SIGNATURE, chunk('IHDR', head), chunk('PLTE', table), chunk('IDAT', zlib.deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.alloc(0))]);
}
