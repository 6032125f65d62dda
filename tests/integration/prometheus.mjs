// Reads the Prometheus text format 0.0.4 as strictly as its definition allows, and more: families
// stand together, each has HELP and TYPE, no series comes twice, histograms add up.
const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (-?(?:\\d+(?:\\.\\d+)?(?:e[-+]?\\d+)?|\\+?Inf|NaN))$`);
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/;

function labelsOf(text, line) {
  const labels = {};
  for (let rest = text ?? ''; rest !== '';) {
    const m = LABEL.exec(rest);
    if (!m || (m[0].endsWith(',') && m[0].length === rest.length)) throw new Error(`labels: ${line}`);
    if (m[1] in labels) throw new Error(`label twice: ${line}`);
    labels[m[1]] = m[2].replace(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c));
    rest = rest.slice(m[0].length);
  }
  return labels;
}

function checkHistogram(f) {
  const groups = new Map();
  for (const s of f.samples) {
    const { le, ...rest } = s.labels;
    const key = JSON.stringify(rest);
    const g = groups.get(key) ?? { buckets: [] };
    groups.set(key, g);
    if (s.name.endsWith('_bucket')) g.buckets.push([le === '+Inf' ? Infinity : Number(le), s.value]);
    else g[s.name.slice(f.name.length + 1)] = s.value;
  }
  for (const [key, g] of groups) {
    if (g.buckets.at(-1)?.[0] !== Infinity) throw new Error(`${f.name}${key}: no +Inf`);
    if (g.count !== g.buckets.at(-1)[1]) throw new Error(`${f.name}${key}: count is not the last bucket`);
    if (!(g.sum >= 0)) throw new Error(`${f.name}${key}: sum`);
    g.buckets.reduce(([b0, n0], [b, n]) => {
      if (!(b > b0) || n < n0) throw new Error(`${f.name}${key}: buckets fall`);
      return [b, n];
    }, [-Infinity, 0]);
  }
}

// {name: {name, type, help, samples: [{name, labels, value}]}}
export function parseMetrics(text) {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map();
  const seen = new Set();
  let f;
  for (const line of text.slice(0, -1).split('\n')) {
    const help = new RegExp(`^# HELP (${NAME}) (.+)$`).exec(line);
    if (help) {
      if (families.has(help[1])) throw new Error(`family twice: ${line}`);
      f = { name: help[1], help: help[2], samples: [] };
      families.set(f.name, f);
      continue;
    }
    const type = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`).exec(line);
    if (type) {
      if (type[1] !== f?.name || f.type) throw new Error(`TYPE: ${line}`);
      f.type = type[2];
      continue;
    }
    const m = SAMPLE.exec(line);
    if (!m) throw new Error(`no sample: ${line}`);
    const wanted = f?.type === 'histogram' ? ['_bucket', '_sum', '_count'].map((s) => f.name + s) : [f?.name];
    if (!f?.type || !wanted.includes(m[1])) throw new Error(`sample outside of its family: ${line}`);
    const labels = labelsOf(m[2], line);
    const key = `${m[1]}${JSON.stringify(Object.entries(labels).sort())}`;
    if (seen.has(key)) throw new Error(`series twice: ${line}`);
    seen.add(key);
    f.samples.push({ name: m[1], labels, value: m[3].endsWith('Inf') ? Infinity : Number(m[3]) });
  }
  for (const family of families.values()) {
    if (!family.type) throw new Error(`${family.name}: no TYPE`);
    if (family.type === 'counter' && !family.name.endsWith('_total')) throw new Error(`${family.name}: a counter ends in _total`);
    if (family.type === 'histogram') checkHistogram(family);
  }
  return families;
}

// The value of the one series with these labels (others may be there too); undefined: none.
export function metric(families, name, labels = {}) {
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''));
  return family?.samples.find((s) => s.name === name && Object.entries(labels).every(([k, v]) => s.labels[k] === v))?.value;
}
