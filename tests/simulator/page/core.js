// The base classes everything in the page is built from: events, models, collections.

import { define, defineDefault } from './runtime.js';

const hidden = (object, name, value) =>
  Object.defineProperty(object, name, { value, enumerable: false, writable: true });

// Backbone's manners: several names in one string, 'all' hears everything. A listener that throws
// must not keep the others from hearing.
export class EventEmitter {
  _listeners() {
    if (!Object.hasOwn(this, '_events')) hidden(this, '_events', new Map());
    return this._events;
  }

  on(names, callback, context) {
    if (typeof callback !== 'function') throw new Error('Callback parameter passed is not a function');
    const all = this._listeners();
    for (const name of String(names).split(/\s+/)) {
      all.set(name, [...(all.get(name) ?? []), { callback, context }]);
    }
    return this;
  }

  once(names, callback, context) {
    for (const name of String(names).split(/\s+/)) {
      const wrapped = (...args) => {
        this.off(name, wrapped);
        callback.apply(context ?? this, args);
      };
      wrapped.original = callback;
      this.on(name, wrapped, context);
    }
    return this;
  }

  off(names, callback) {
    const all = this._listeners();
    if (!names) all.clear();
    for (const name of names ? String(names).split(/\s+/) : []) {
      const kept = callback
        ? (all.get(name) ?? []).filter((l) => l.callback !== callback && l.callback.original !== callback)
        : [];
      all.set(name, kept);
    }
    return this;
  }

  trigger(name, ...args) {
    const all = this._listeners();
    for (const listener of all.get(name) ?? []) this._call(listener, args);
    if (name !== 'all') for (const listener of all.get('all') ?? []) this._call(listener, [name, ...args]);
    return this;
  }

  _call({ callback, context }, args) {
    try {
      callback.apply(context ?? this, args);
    } catch (error) {
      setTimeout(() => {
        throw error;
      });
    }
  }

  emit(name, ...args) {
    return this.trigger(name, ...args);
  }

  listenTo(other, names, callback) {
    other.on(names, callback, this);
    return this;
  }

  stopListening() {
    return this;
  }

  addListener(name, callback, context) {
    return this.on(name, callback, context);
  }

  removeListener(name, callback) {
    return this.off(name, callback);
  }
}

// Properties live in own fields `__x_name`; accessors on the prototype read and set them. A change is
// announced on the model and on every collection it is in.
export class BaseModel extends EventEmitter {
  constructor(props, options) {
    super();
    hidden(this, '_names', []);
    hidden(this, '_collections', []);
    this._assign({ ...this.constructor.defaults?.(), ...props });
    this.initialize?.(options);
  }

  // Sets without telling anyone. A client may spread one model into another's data: its raw fields
  // are not properties.
  _assign(props) {
    for (const [name, value] of Object.entries(props)) {
      if (value !== undefined && !name.startsWith('__x_')) this._put(name, value);
    }
  }

  _put(name, value) {
    addAccessor(this.constructor.prototype, name);
    if (!this._names.includes(name)) this._names.push(name);
    this[`__x_${name}`] = value;
  }

  get(name) {
    return this[name];
  }

  set(name, value) {
    const props = typeof name === 'object' ? name : { [name]: value };
    const changes = [];
    for (const [key, next] of Object.entries(props)) {
      const old = this[`__x_${key}`];
      if (old === next) continue;
      this._put(key, next);
      changes.push([key, next, old]);
    }
    for (const [key, next, old] of changes) this._bubble(`change:${key}`, this, next, old);
    if (changes.length > 0) this._bubble('change', this);
    return this;
  }

  unset(names) {
    for (const name of [names].flat()) this.set(name, undefined);
  }

  _bubble(event, ...args) {
    this.trigger(event, ...args);
    for (const collection of this._collections) collection.trigger(event, ...args);
  }

  get attributes() {
    return Object.fromEntries((this._names ?? []).map((name) => [name, this[`__x_${name}`]]));
  }

  serialize() {
    const session = this.constructor.session ?? [];
    const entries = Object.entries(this.attributes).filter(([name]) => !session.includes(name));
    return Object.fromEntries(
      entries.map(([name, value]) => [name, typeof value?.serialize === 'function' ? value.serialize() : value]),
    );
  }

  toJSON() {
    return this.serialize();
  }

  delete() {
    for (const collection of [...this._collections]) collection.remove(this);
  }

  safe() {
    return this;
  }

  unsafe() {
    return this;
  }
}

function addAccessor(prototype, name) {
  if (name in prototype) return;
  Object.defineProperty(prototype, name, {
    configurable: true,
    get() {
      return this[`__x_${name}`];
    },
    set(value) {
      this.set(name, value);
    },
  });
}

// session: properties that belong to this page's life and are never serialized.
export function defineModel(model, { proxyName, props = [], defaults, session = [] }) {
  model.prototype.proxyName = proxyName;
  model.defaults = defaults;
  model.session = session;
  for (const name of props) addAccessor(model.prototype, name);
  return model;
}

export class Collection extends EventEmitter {
  constructor(models, options) {
    super();
    if (!this.constructor.model) throw new Error('Collection initialized without model');
    hidden(this, '_models', []);
    hidden(this, '_index', new Map());
    this.parent = options?.parent;
    if (models) this.add(models);
  }

  get modelClass() {
    return this.constructor.model;
  }

  get length() {
    return this._models.length;
  }

  // A string, an id object, a model, or anything with an id.
  _key(thing) {
    if (thing === null || thing === undefined) return undefined;
    const isId = typeof thing !== 'object' || thing.isId || thing.id === undefined;
    return String(isId ? thing : thing.id);
  }

  get(thing) {
    return this._index.get(this._key(thing));
  }

  assertGet(thing) {
    const model = this.get(thing);
    if (!model) throw new Error(`collection.assertGet: ${thing}`);
    return model;
  }

  add(list, options = {}) {
    const added = [list].flat().map((item) => this._addOne(item, options));
    return Array.isArray(list) ? added : added[0];
  }

  _addOne(item, options) {
    const known = this.get(item);
    if (known) {
      if (options.merge && known !== item) known.set(item.attributes ?? item);
      return known;
    }
    const model = item instanceof this.constructor.model ? item : new this.constructor.model(item);
    model._collections.push(this);
    this._index.set(this._key(model), model);
    this._place(model);
    if (!options.silent) {
      model.trigger('add', model, this, options);
      this.trigger('add', model, this, options);
    }
    return model;
  }

  // Nearly everything arrives in order, so look at the end before sorting.
  _place(model) {
    const { comparator } = this.constructor;
    const last = this.last();
    this._models.push(model);
    if (comparator && last && comparator(last, model) > 0) this._models.sort(comparator);
  }

  // A model whose place has changed; it goes up, as a rule.
  reorder(model) {
    const { comparator } = this.constructor;
    const at = this._models.indexOf(model);
    if (at === -1) return;
    this._models.splice(at, 1);
    const place = this._models.findIndex((other) => comparator(model, other) < 0);
    this._models.splice(place === -1 ? this._models.length : place, 0, model);
  }

  remove(list, options = {}) {
    for (const item of [list].flat()) {
      const model = this.get(item);
      if (!model) continue;
      this._models = this._models.filter((other) => other !== model);
      this._index.delete(this._key(model));
      model._collections = model._collections.filter((collection) => collection !== this);
      if (options.silent) continue;
      model.trigger('remove', model, this);
      this.trigger('remove', model, this);
    }
  }

  reset() {
    this._models = [];
    this._index.clear();
    this.trigger('reset', this);
  }

  async find(id) {
    return this.get(id) ?? this.add(this.findImpl ? await this.findImpl(id) : { id });
  }

  async update(id) {
    return this.find(id);
  }

  gadd(id) {
    return this.get(id) ?? this.add({ id });
  }

  sort() {
    if (this.constructor.comparator) this._models.sort(this.constructor.comparator);
    this.trigger('sort', this);
    return this;
  }

  getModelsArray() {
    return this._models;
  }

  toArray() {
    return this._models.slice();
  }

  head() {
    return this._models[0];
  }

  last() {
    return this._models[this._models.length - 1];
  }

  at(index) {
    return this._models[index];
  }

  findFirst(test) {
    return this._models.find(test);
  }

  where(props) {
    return this._models.filter((model) => Object.keys(props).every((name) => model[name] === props[name]));
  }

  includes(model) {
    return this._models.includes(model);
  }

  isModel(thing) {
    return thing instanceof this.constructor.model;
  }

  serialize() {
    return this._models.map((model) => model.serialize());
  }

  toJSON() {
    return this.serialize();
  }
}

for (const name of ['indexOf', 'lastIndexOf', 'every', 'some', 'forEach', 'map', 'filter', 'reduce', 'slice']) {
  Collection.prototype[name] = function (...args) {
    return this._models[name](...args);
  };
}

defineDefault('WAWebEventEmitter', () => EventEmitter);
define('WAWebBaseModel', () => ({ BaseModel, defineModel }));
defineDefault('WAWebCollection', () => Collection);
define('WAWebBaseCollection', () => ({ BaseCollection: class extends Collection {} }));
