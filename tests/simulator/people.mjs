// What the persons behind the accounts do by themselves: their phones receive messages (after a
// while, and only when on line), some read at once, some answer with an echo.

import { ACK, newMessageId } from './world.mjs';

export class People {
  #world;
  #knobs;
  #timers = new Set();

  constructor(world, knobs) {
    this.#world = world;
    this.#knobs = knobs;
    world.on('message', (message) => this.#onMessage(message));
  }

  close() {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  setOnline(phone, online) {
    const account = this.#world.account(phone);
    account.online = online;
    if (online) this.#world.emit('online', phone);
    if (online) for (const [message, level] of account.late_receipts.splice(0)) this.#receive(message, phone, level);
    this.#world.emit('changed');
  }

  #onMessage(message) {
    for (const phone of this.#world.recipientsOf(message)) {
      this.#later('delivered_ms', phone, () => this.#receive(message, phone, ACK.DELIVERED));
      this.#later('read_ms', phone, () => this.#receive(message, phone, ACK.READ));
      if (this.#knobs.get('echo', phone) && message.to === phone && message.type !== 'call_log') this.#echo(message, phone);
    }
  }

  #receive(message, phone, level) {
    const account = this.#world.account(phone);
    if (!account.online) {
      account.late_receipts.push([message, level]);
    } else {
      this.#world.receipt(message, phone, level);
    }
  }

  #echo(message, phone) {
    const text = `echo: ${message.text ?? message.type}`;
    // On a later turn: the sender's own copy of its message must come first.
    setImmediate(() => this.#world.submit({ from: phone, to: message.from, id: newMessageId(), type: 'chat', text }));
  }

  #later(knob, phone, act) {
    const ms = this.#knobs.get(knob, phone);
    if (ms === null) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
  }
}
