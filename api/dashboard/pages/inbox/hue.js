// Of eight colours (.hue-0 …, .tint-0 …), always the same one for a person.
export function hueOf(text) {
  let n = 7;
  for (const letter of String(text)) n = (n * 31 + letter.codePointAt(0)) >>> 0;
  return n % 8;
}
