// What the page keeps on disk: keys and registration, chats, messages. Writes are strict (on disk
// before they are confirmed), so a killed browser comes back with everything it was told is stored.

const NAME = 'model-storage';
let opening = null;

function open() {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 3);
    request.onupgradeneeded = () => {
      const has = request.result.objectStoreNames;
      if (!has.contains('kv')) request.result.createObjectStore('kv');
      for (const [name, keyPath] of Object.entries({ message: 'key', chat: 'id', addon: 'key' })) {
        if (!has.contains(name)) request.result.createObjectStore(name, { keyPath });
      }
      const messages = request.transaction.objectStore('message');
      messages.createIndex('place', ['chat', 't', 'row']);
      messages.createIndex('row', 'row');
      messages.createIndex('pending', 'pending');   // of ours, not acknowledged: few have it
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opening;
}

async function transact(stores, mode, work, durability = 'strict') {
  const db = await open();
  return new Promise((resolve, reject) => {
    const tx = db.transaction(stores, mode, { durability });
    const request = work(tx);
    tx.oncomplete = () => resolve(request?.result);
    tx.onabort = () => reject(tx.error);
  });
}

export const getValue = (key) => transact('kv', 'readonly', (tx) => tx.objectStore('kv').get(key));
export const setValue = (key, value, durability) =>
  transact('kv', 'readwrite', (tx) => tx.objectStore('kv').put(value, key), durability);
export const allChats = () => transact('chat', 'readonly', (tx) => tx.objectStore('chat').getAll());

export function store(messages, chats = []) {
  return transact(['message', 'chat'], 'readwrite', (tx) => {
    for (const record of messages) tx.objectStore('message').put(record);
    for (const record of chats) tx.objectStore('chat').put(record);
  });
}

export const allAddons = () => transact('addon', 'readonly', (tx) => tx.objectStore('addon').getAll());
export const storeAddon = (row) => transact('addon', 'readwrite', (tx) => tx.objectStore('addon').put(row));
export const deleteAddons = (keys) =>
  transact('addon', 'readwrite', (tx) => void keys.forEach((key) => tx.objectStore('addon').delete(key)));

// ---- messages, by key, by chat, by place in a chat ----

// A transaction of many requests -> the results, in order. Each of `requests` makes one from the store.
function ask(requests) {
  const results = new Array(requests.length);
  const work = (tx) => {
    requests.forEach((make, index) => {
      make(tx.objectStore('message')).onsuccess = ({ target }) => {
        results[index] = target.result;
      };
    });
  };
  return transact('message', 'readonly', work).then(() => results);
}

export const messages = (keys) => ask(keys.map((key) => (store) => store.get(key)));

export async function storedKeys(keys) {
  const found = await ask(keys.map((key) => (store) => store.getKey(key)));
  return new Set(found.filter((key) => key !== undefined));
}

const whole = (chat) => IDBKeyRange.bound([chat], [chat, []]);   // an array is above every number

export const messagesOf = async (chat) => (await ask([(store) => store.index('place').getAll(whole(chat))]))[0];
export const firstOf = async (chat) => (await ask([(store) => store.index('place').getAll(whole(chat), 1)]))[0][0];
export const pendingMessages = async () =>
  (await ask([(store) => store.index('pending').getAll()]))[0].sort((one, other) => one.row - other.row);

const lastIn = (index, range) => (store) => store.index(index).openCursor(range, 'prev');

export async function lastOf(chats) {
  const cursors = await ask(chats.map((chat) => lastIn('place', whole(chat))));
  return cursors.map((cursor) => cursor?.value);
}

export const lastRow = async () => (await ask([lastIn('row', null)]))[0]?.value.row ?? 0;

// Up to `count` next to a place, oldest first.
export async function beside({ chat, t, row }, direction, count) {
  const place = [chat, t, row];
  if (direction === 'after') {
    const range = IDBKeyRange.bound(place, [chat, []], true);
    return (await ask([(store) => store.index('place').getAll(range, count === Infinity ? undefined : count)]))[0];
  }
  const range = IDBKeyRange.bound([chat], place, false, true);
  if (count === Infinity) return (await ask([(store) => store.index('place').getAll(range)]))[0];
  const found = [];
  await transact('message', 'readonly', (tx) => {
    const request = tx.objectStore('message').index('place').openCursor(range, 'prev');
    request.onsuccess = () => {
      const cursor = request.result;
      if (!cursor || found.length >= count) return;
      found.unshift(cursor.value);
      cursor.continue();
    };
  });
  return found;
}

export function deleteMessage(key) {
  return transact('message', 'readwrite', (tx) => tx.objectStore('message').delete(key));
}

export async function wipe() {
  (await open()).close();
  opening = null;
  localStorage.clear();
  sessionStorage.clear();
  await new Promise((resolve) => {
    const request = indexedDB.deleteDatabase(NAME);
    request.onsuccess = request.onerror = request.onblocked = resolve;
  });
}
