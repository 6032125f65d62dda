// How this page load is to behave; filled by boot.js from the far end before anything is published.
export const knobs = {};
