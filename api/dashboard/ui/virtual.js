// Long lists: only the rows near the eye are in the page. A hook around @tanstack/virtual-core.
import { Component, h } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from '@tanstack/virtual-core';

// the library asks where it was built for
globalThis.process ??= { env: { NODE_ENV: 'production' } };

// options: those of Virtualizer (count, estimateSize, getItemKey, overscan …) and `scroller`, a ref.
// Rows that are not all of one height give themselves by ref=${virtual.measureElement} and data-index.
export function useVirtual({ scroller, ...options }) {
  const [, again] = useState(0);
  const kept = useRef(null);
  const all = {
    getScrollElement: () => scroller.current, observeElementRect, observeElementOffset, scrollToFn: elementScroll, overscan: 6,
    ...options, onChange: (virtual) => {
      again((n) => n + 1);
      options.onChange?.(virtual);
    },
  };
  kept.current ??= new Virtualizer(all);
  kept.current.setOptions(all);
  useLayoutEffect(() => kept.current._didMount(), []);
  useLayoutEffect(() => kept.current._willUpdate());
  return kept.current;
}

// The focus, for a row that is drawn once its list has scrolled there. Whoever has gone elsewhere by
// then, into the search say, stays there.
export function focusDrawn(find) {
  const from = document.activeElement;
  const focus = () => [from, document.body].includes(document.activeElement) && find()?.focus({ preventScroll: true });
  requestAnimationFrame(() => requestAnimationFrame(focus));
}

// A row that is drawn again only when one of its properties is another.
export function memo(View) {
  return class Row extends Component {
    shouldComponentUpdate(next) {
      const names = Object.keys(next);
      return names.length !== Object.keys(this.props).length || names.some((name) => next[name] !== this.props[name]);
    }
    render(props) {
      return h(View, props);
    }
  };
}
