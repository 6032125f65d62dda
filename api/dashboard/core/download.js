// Files that the page makes, or fetches with the key: an address alone could not carry it.
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  Object.assign(link, { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
export const saveText = (text, name, type = 'text/plain') => save(new Blob([text], { type: `${type};charset=utf-8` }), name);
// A field of a CSV file. What a spreadsheet would take for a formula is kept a text.
export const csv = (value) => {
  const text = String(value ?? '');
  const safe = /^[=+\-@\t\r]/.test(text) && !/^\+?\d+$/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};
