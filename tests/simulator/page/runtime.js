// Stand-in for the module loader of the real page: __d registers a module, require runs it when it
// is first asked for. The clients under test reach everything they use through this.
//
// Our own code defines modules long before they are published: a test may publish them late, or
// never, and the page still works (see boot.js).

const DEFAULT_ONLY = 98;
const definitions = new Map();
const modulesMap = Object.create(null);

function load(entry) {
  if (!entry.module) {
    const module = { exports: {} };
    entry.factory.call(null, self, req, importDefault, importNamespace, requireLazy, module, module.exports);
    entry.module = module;   // only now: a factory that threw may be tried again
  }
  return entry.module.exports;
}

function published(id) {
  const entry = modulesMap[id];
  if (!entry) throw new Error(`Requiring unknown module "${id}"`);
  return entry;
}

// A module with nothing but a default export is handed out as that default.
function req(id) {
  if (id === '__debug') return { modulesMap };
  const entry = published(id);
  const exports = load(entry);
  return entry.special === DEFAULT_ONLY ? exports.default : exports;
}

function importDefault(id) {
  const exports = load(published(id));
  return 'default' in exports ? exports.default : exports;
}

// The live exports object: clients assign to it to wrap our functions.
function importNamespace(id) {
  return load(published(id));
}

function requireLazy(ids, done) {
  Promise.resolve().then(() => done(...ids.map(req)));
}

Object.assign(self, {
  require: req,
  importDefault,
  importNamespace,
  requireLazy,
  __d(id, dependencies, factory, special) {
    if (!modulesMap[id]) modulesMap[id] = { id, dependencies, factory, special };
  },
  // wa-js calls this inside the try of every module load: without it each lookup fails silently.
  ErrorGuard: {
    skipGuardGlobal() {},
    applyWithGuard: (f, context, args) => f.apply(context, args),
  },
});

// ---- for our own code ----

// define('WAWebThing', () => ({ thing })): the builder's result becomes the exports.
export function define(id, build) {
  definitions.set(id, {
    id,
    dependencies: [],
    factory: (g, r, d, n, lazy, module, exports) => Object.assign(exports, build()),
  });
}

export function defineDefault(id, build) {
  define(id, () => ({ default: build() }));
  definitions.get(id).special = DEFAULT_ONLY;
}

export function definedIds() {
  return [...definitions.keys()];
}

export function publish(ids) {
  for (const id of ids) modulesMap[id] = definitions.get(id);
}

// The exports of one of our modules, published or not. What a client may wrap is called through this.
export function own(id) {
  return load(definitions.get(id));
}
