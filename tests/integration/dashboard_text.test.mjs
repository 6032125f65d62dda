// The texts of the dashboard: every text that a module asks for is there, none is there for nothing,
// and every language says the same things with the same {places}. Files only; nothing runs.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { ROOT } from './harness.mjs';

const HOME = path.join(ROOT, 'api/dashboard');
const PLURALS = new Set(['zero', 'one', 'two', 'few', 'many', 'other']);
const read = (name) => JSON.parse(fs.readFileSync(path.join(HOME, 'text', `${name}.json`), 'utf8'));
const isPlural = (value) => typeof value === 'object' && 'other' in value && Object.keys(value).every((k) => PLURALS.has(k));

// {"a.b": text or plural forms}
function leaves(object, before = '', out = new Map()) {
  for (const [name, value] of Object.entries(object)) {
    if (typeof value === 'string' || isPlural(value)) out.set(before + name, value);
    else leaves(value, `${before}${name}.`, out);
  }
  return out;
}
const forms = (value) => (typeof value === 'string' ? { other: value } : value);
const places = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();

const modules = fs.readdirSync(HOME, { recursive: true }).filter((name) => name.endsWith('.js')).map((name) => {
  const text = fs.readFileSync(path.join(HOME, name), 'utf8');
  return { name, text: text.replace(/^\s*\/\/.*$/gm, '') };
});

// The strings in the first argument of each call of t(): 'a.b', x ? 'a.b' : 'a.c'.
function asked(text) {
  const out = [];
  for (const { index } of text.matchAll(/(?<![\w.$])t\(/g)) {
    let depth = 1, at = index + 2, quote = '', word = '';
    for (; at < text.length && depth > 0; at++) {
      const c = text[at];
      if (quote) {
        if (c !== quote) word += c;
        else {
          if (quote !== '`' && word.includes('.')) out.push(word);
          quote = '';
        }
      } else if (`'"\``.includes(c)) [quote, word] = [c, ''];
      else if ('([{'.includes(c)) depth++;
      else if (')]}'.includes(c)) depth--;
      else if (c === ',' && depth === 1) break;
    }
  }
  return out;
}

const english = read('en');
const texts = leaves(english);

test('every text that a module asks for by its name is in the English catalogue', () => {
  let seen = 0;
  for (const { name, text } of modules) {
    for (const key of asked(text)) {
      assert.ok(texts.has(key), `${name} asks for "${key}"`);
      seen++;
    }
  }
  assert.ok(seen > 300, `only ${seen} calls were found: does this test still read the modules?`);
});

test('every made name ("audit.words.…") has texts behind it, and no text is there for nothing', () => {
  const sections = Object.keys(english).join('|');
  const named = new Set(), patterns = [];
  for (const { name, text } of modules) {
    for (const [, key] of text.matchAll(new RegExp(`['"\`]((?:${sections})\\.[\\w.-]+)['"\`]`, 'g'))) named.add(key);
    for (const [, made] of text.matchAll(new RegExp(`\`((?:${sections})\\.[\\w.-]*\\$\\{[^\`]*)\``, 'g'))) {
      const pattern = new RegExp(`^${made.replace(/\$\{[^}]*\}/g, '\0').replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\0/g, '.+')}$`);
      assert.ok([...texts.keys()].some((key) => pattern.test(key)), `${name}: no text fits \`${made}\``);
      patterns.push(pattern);
    }
  }
  const unused = [...texts.keys()].filter((key) => !named.has(key) && !patterns.some((p) => p.test(key)));
  assert.deepEqual(unused, []);
});

// The parts of the catalogue that a module and all it imports ask for.
const source = modules.find((m) => m.name === path.join('core', 'i18n.js')).text;
const parts = [.../export const PARTS = \[(.*)\]/.exec(source)[1].matchAll(/'(\w+)'/g)].map((m) => m[1]);
function needed(start) {
  const seen = new Set(), found = new Set();
  const visit = (name) => {
    if (seen.has(name)) return;
    seen.add(name);
    const { text } = modules.find((m) => m.name === name);
    for (const key of asked(text)) found.add(key.split('.')[0]);
    for (const [, made] of text.matchAll(/['"`](\w+)\.[\w.-]*\$\{/g)) found.add(made);
    for (const [, other] of text.matchAll(/(?:from|import) '(\.[^']+)'/g)) visit(path.join(path.dirname(name), other));
  };
  visit(start);
  return parts.filter((part) => found.has(part));
}

test('each page, and the widget, asks for the parts of the catalogue that it needs, and for no other', () => {
  assert.deepEqual(parts.filter((part) => !(part in english)), []);
  assert.deepEqual(needed('main.js'), [], 'what is there before any page');
  const pages = modules.find((m) => m.name === path.join('core', 'pages.js')).text;
  const named = [...pages.matchAll(/import\('\.\.\/(pages\/\w+\.js)'\)(?:, ([^)]*))?/g)];
  assert.ok(named.length >= 9);
  assert.deepEqual(Object.fromEntries(named.map(([, module, mine = '']) => [module, [...mine.matchAll(/\w+/g)].map((m) => m[0]).toSorted()])),
    Object.fromEntries(named.map(([, module]) => [module, needed(module).toSorted()])));
  const line = modules.find((m) => m.name === path.join('widget', 'line.js')).text;
  const mine = [.../const PARTS = \[(.*)\]/.exec(line)[1].matchAll(/'(\w+)'/g)].map((m) => m[1]);
  assert.deepEqual(mine.toSorted(), needed(path.join('widget', 'frame.js')).toSorted());
});

const languages = [...source.matchAll(/=> import\.meta\.resolve\('\.\.\/text\/(\w+)\.json'\)/g)].map((m) => m[1]);
assert.deepEqual(languages.toSorted(), ['ar', 'en', 'es', 'fa', 'pt']);

for (const language of languages) {
  describe(language, () => {
    const other = leaves(read(language));
    test('has exactly the texts that English has, and none is empty', () => {
      assert.deepEqual([...other.keys()].filter((key) => !texts.has(key)), [], 'too many');
      assert.deepEqual([...texts.keys()].filter((key) => !other.has(key)), [], 'missing');
      for (const [key, value] of other) for (const form of Object.values(forms(value))) assert.ok(form.trim(), `${key} is empty`);
    });
    test('has the same {places} in them', () => {
      for (const [key, value] of texts) {
        if (!other.has(key)) continue;
        const wanted = places(forms(value).other);
        const here = forms(other.get(key));
        assert.deepEqual(places(here.other), wanted, `${key}: ${here.other}`);
        // a form of few things may say "one" in words
        for (const [name, form] of Object.entries(here)) assert.deepEqual(places(form).filter((p) => !wanted.includes(p)), [], `${key}.${name}`);
      }
    });
    test('has the plural forms of its language', () => {
      const categories = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
      for (const [key, value] of texts) {
        if (!other.has(key) || typeof value === 'string') continue;
        const here = other.get(key);
        assert.ok(isPlural(here), `${key} needs its plural forms`);
        assert.deepEqual(Object.keys(here).filter((name) => !categories.includes(name)), [], `${key}: forms that ${language} does not have`);
      }
    });
  });
}
