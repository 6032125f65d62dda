// What a test may turn, globally or for one account. Each knob names its default and its check; a
// wrong name or value is refused, because a silently ignored knob makes a test that proves nothing.

export class KnobError extends Error {}

const milliseconds = (v) => Number.isInteger(v) && v >= 0 && v <= 86_400_000;
const count = (v) => Number.isInteger(v) && v >= 1 && v <= 1000;
const flag = (v) => typeof v === 'boolean';
const text = (v) => typeof v === 'string' && v.length > 0;
const orNull = (check) => (v) => v === null || check(v);
const strings = (v) => Array.isArray(v) && v.every(text);
const refusal = (v) =>
  text(v) || (typeof v === 'object' && v !== null && text(v.error) && (v.to === undefined || text(v.to)));

export const KNOBS = {
  // linking; the first reference lives three times as long as the others, as in life
  ref_ms: [20_000, milliseconds],
  ref_first_ms: [null, orNull(milliseconds)],
  ref_count: [6, count],
  // page, taken at the next page load
  boot_ms: [100, milliseconds],
  sync_ms: [400, milliseconds],
  batches: [3, count],
  batch_ms: [30, milliseconds],
  late_gap_ms: [0, milliseconds],
  dollar_keys: [false, flag],
  csp: [false, flag],
  missing_modules: [[], strings],
  resend_pending: [true, flag],
  // the far end
  server_ack_ms: [0, milliseconds],
  delivered_ms: [20, orNull(milliseconds)],
  read_ms: [null, orNull(milliseconds)],
  send_error: [null, orNull(refusal)],
  change_error: [null, orNull(text)],
  media_missing: [false, flag],
  media_ms: [0, milliseconds],
  upload_error: [false, flag],
  exists_delay_ms: [0, milliseconds],
  group_add_code: [null, orNull(count)],
  history_messages: [0, (v) => v === 0 || count(v)],
  echo: [false, flag],
};

const PAGE_KNOBS = [
  'boot_ms', 'sync_ms', 'batches', 'batch_ms', 'late_gap_ms', 'dollar_keys', 'missing_modules',
  'resend_pending',
];

export class Knobs {
  #global = {};
  #accounts = new Map();

  constructor(initial = {}) {
    for (const [name, [value]] of Object.entries(KNOBS)) this.#global[name] = value;
    this.set(initial);
  }

  // Checks everything before anything is changed.
  set(values, account = null) {
    for (const [name, value] of Object.entries(values)) {
      if (!Object.hasOwn(KNOBS, name)) throw new KnobError(`unknown knob "${name}"`);
      if (!KNOBS[name][1](value)) throw new KnobError(`bad value for knob "${name}"`);
    }
    if (account === null) {
      Object.assign(this.#global, values);
    } else {
      this.#accounts.set(account, { ...this.#accounts.get(account), ...values });
    }
  }

  get(name, account = null) {
    const own = account === null ? undefined : this.#accounts.get(account)?.[name];
    return own === undefined ? this.#global[name] : own;
  }

  all() {
    return { ...this.#global, accounts: Object.fromEntries(this.#accounts) };
  }

  forPage(account) {
    return Object.fromEntries(PAGE_KNOBS.map((name) => [name, this.get(name, account)]));
  }
}
