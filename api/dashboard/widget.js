// The chat widget for pages of others: one script tag, or wabridgeWidget.open({…}). docs/widget.md
//
// Draws a button and a panel in a shadow root of its own; the chat itself is a frame of the bridge's
// origin, so nothing of it can be read by this page. The ticket goes to that frame alone, by a
// message with its exact origin. No inline style, no eval: a page with a strict policy needs only the
// bridge in its script-src and frame-src.
(() => {
  const tag = document.currentScript;
  const ORIGIN = new URL(tag.src).origin;
  const ANSWER_MS = 20_000;
  const STYLE = `
    :host { all: initial; position: fixed; inset-block-end: 20px; inset-inline-end: 20px; z-index: 2147483000; color-scheme: light dark; font: 16px/1.4 system-ui, sans-serif; }
    :host([data-position=start]) { inset-inline: 20px auto; }
    button { all: unset; box-sizing: border-box; display: grid; place-items: center; position: relative; width: 56px; height: 56px; border-radius: 50%; cursor: pointer;
      background: #0a6b4d; color: #fff; box-shadow: 0 2px 4px rgb(0 0 0 / .2), 0 6px 20px rgb(0 0 0 / .2); }
    button:hover { background: #075a40; }
    button:focus-visible { outline: 3px solid #fff; outline-offset: -6px; box-shadow: 0 0 0 3px #0a6b4d; }
    svg { width: 28px; height: 28px; fill: none; stroke: currentColor; stroke-width: 1.6; stroke-linecap: round; stroke-linejoin: round; }
    b { position: absolute; inset-block-start: -4px; inset-inline-end: -4px; min-width: 22px; box-sizing: border-box; padding: 0 6px; border-radius: 11px; background: #b3261e; color: #fff; font: 600 13px/22px system-ui, sans-serif; text-align: center; }
    b[hidden], [hidden] { display: none; }
    section { box-sizing: border-box; width: min(384px, calc(100vw - 40px)); min-width: min(280px, 100vw); height: min(620px, calc(100vh - 40px)); height: min(620px, calc(100dvh - 40px));
      border-radius: 16px; overflow: hidden; background: Canvas; box-shadow: 0 2px 6px rgb(0 0 0 / .2), 0 12px 40px rgb(0 0 0 / .28); }
    :host([data-theme=light]) { color-scheme: light; }
    :host([data-theme=dark]) { color-scheme: dark; }
    iframe { display: block; width: 100%; height: 100%; border: 0; color-scheme: inherit; }
    @media (max-width: 480px), (max-height: 420px) {
      :host([data-shown]) { inset: 0; }
      section { width: 100vw; min-width: 0; height: 100vh; height: 100dvh; border-radius: 0; }
    }
    @media print { :host { display: none; } }`;
  const ICON = 'M8 10h8M8 14h5m-1 7a9 9 0 1 0-8-4.9L3 21l4.9-1A9 9 0 0 0 12 21Z';

  const element = (name, attributes = {}, ...children) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  };
  function sign() {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
    path.setAttribute('d', ICON);
    svg.setAttribute('viewBox', '0 0 24 24');
    svg.setAttribute('aria-hidden', 'true');
    svg.append(path);
    return svg;
  }

  // Events: open, minimise, unread (detail.count), expired, error (detail.reason).
  class Widget extends EventTarget {
    #host = null;
    #parts = null;
    #options = {};
    #port = null;
    #shown = false;

    // {tenant, ticket | refresh, open, position: 'end'|'start', theme: 'system'|'light'|'dark', lang}
    // ticket: text; refresh: () => ticket, or a promise of one, asked for whenever one is needed.
    open(options = {}) {
      const { tenant, ticket, refresh } = options;
      if (!tenant || !(ticket || refresh)) throw new TypeError('wabridgeWidget.open needs tenant, and ticket or refresh');
      this.close();
      this.#options = { theme: 'system', position: 'end', ...options };
      this.#draw();
      if (options.open) this.#turn(true, [null, document.body].includes(document.activeElement));   // whoever types elsewhere goes on
    }
    // Takes the widget away.
    close() {
      this.#port?.close();
      this.#host?.remove();
      clearTimeout(this.#parts?.timer);
      this.#host = this.#parts = this.#port = null;
      this.#shown = false;
    }
    show() {
      this.#turn(true);
    }
    minimise() {
      this.#turn(false);
    }
    get shown() {
      return this.#shown;
    }

    #tell(type, detail) {
      this.dispatchEvent(new CustomEvent(type, { detail }));
    }
    #draw() {
      const { position, theme, tenant } = this.#options;
      const side = /left|start/.test(position) ? 'start' : 'end';
      const host = (this.#host = element('div', { 'data-wabridge': '', 'data-position': side, 'data-theme': theme }));
      const root = host.attachShadow({ mode: 'open' });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
      const badge = element('b', { hidden: '', 'aria-hidden': 'true' });
      const button = element('button', { type: 'button', 'aria-label': 'WhatsApp', 'aria-expanded': 'false' }, sign(), badge);
      const frame = element('iframe', { title: 'WhatsApp', allow: 'clipboard-write', referrerpolicy: 'no-referrer' });
      const panel = element('section', { hidden: '', 'aria-label': 'WhatsApp' }, frame);
      this.#parts = { badge, button, frame, panel, timer: null };
      button.addEventListener('click', () => this.show());
      frame.addEventListener('load', () => this.#greet(frame));
      frame.src = `${ORIGIN}/widget/${encodeURIComponent(tenant)}`;
      root.append(panel, button);
      document.body.append(host);
    }
    // A line to the frame, which nobody else hears. A frame that was refused has another origin and
    // never answers.
    #greet(frame) {
      const { theme, lang } = this.#options;
      const { port1, port2 } = new MessageChannel();
      this.#port?.close();
      this.#port = port1;
      port1.onmessage = ({ data }) => port1 === this.#port && this.#heard(data);
      clearTimeout(this.#parts.timer);
      this.#parts.timer = setTimeout(() => {
        console.warn(`wabridge: the widget of ${ORIGIN} did not answer. Is ${location.origin} among the widget origins of its tenant, and does this page's frame-src allow it?`);
        this.#tell('error', { reason: 'no_answer' });
      }, ANSWER_MS);
      if (document.activeElement === this.#host) {   // what it had before it loaded is gone
        frame.blur();
        frame.focus({ preventScroll: true });
      }
      frame.contentWindow.postMessage({ wabridge: 'hello', theme, lang: lang || document.documentElement.lang, shown: this.#shown }, ORIGIN, [port2]);
    }
    #heard({ type, ...detail }) {
      if (type === 'ready') {
        clearTimeout(this.#parts.timer);
        this.#name(detail);
        this.#give(this.#options.ticket);
      } else if (type === 'ticket') this.#give(null);
      else if (type === 'minimise') this.minimise();
      else if (type === 'name') this.#name(detail);
      else if (type === 'unread') this.#count(detail);
      else if (type === 'expired') this.#tell('expired');
    }
    async #give(ticket) {
      const port = this.#port;
      this.#options.ticket = null;   // each is good for once
      try {
        const got = ticket || (await this.#options.refresh?.());
        port.postMessage(got ? { type: 'ticket', ticket: String(got.ticket || got) } : { type: 'no_ticket' });
      } catch (error) {
        console.warn('wabridge: no fresh ticket', error);
        port.postMessage({ type: 'no_ticket' });
      }
    }
    #name({ title, label }) {
      const { frame, panel, button } = this.#parts;
      frame.title = title;
      panel.setAttribute('aria-label', title);
      button.setAttribute('aria-label', label);
      button.title = label;
    }
    #count({ count, label }) {
      const { badge, button } = this.#parts;
      badge.textContent = count > 99 ? '99+' : String(count);
      badge.hidden = !count;
      button.setAttribute('aria-label', label);
      this.#tell('unread', { count });
    }
    // The focus goes in with who opens it, and comes out only if it was in there.
    #turn(shown, take = shown || document.activeElement === this.#host) {
      if (!this.#host || shown === this.#shown) return;
      this.#shown = shown;
      const { button, panel, frame } = this.#parts;
      this.#host.toggleAttribute('data-shown', shown);
      panel.hidden = !shown;
      button.hidden = shown;
      button.setAttribute('aria-expanded', String(shown));
      this.#port?.postMessage({ type: 'shown', shown });
      if (take) (shown ? frame : button).focus({ preventScroll: true });
      this.#tell(shown ? 'open' : 'minimise', shown ? { height: panel.offsetHeight } : undefined);
    }
  }

  const widget = new Widget();
  window.wabridgeWidget = widget;
  const { tenant, ticket, open, position, theme, lang } = tag.dataset;
  const begin = () => widget.open({ tenant, ticket, open: open !== undefined && open !== 'false', ...(position && { position }), ...(theme && { theme }), ...(lang && { lang }) });
  if (tenant && ticket) {
    if (document.body) begin();
    else addEventListener('DOMContentLoaded', begin, { once: true });
  }
})();
