// Light, dark, or as the system prefers.
import { signal } from '@preact/signals';

const STORED = 'wabridge.theme';
const read = () => {
  try {
    return localStorage.getItem(STORED) || 'system';
  } catch {
    return 'system';
  }
};
export const theme = signal(read());
export function useTheme(name, { store = true } = {}) {
  theme.value = name;
  if (name === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  if (store) localStorage.setItem(STORED, name);
}
export const isDark = () => (theme.value === 'system' ? matchMedia('(prefers-color-scheme: dark)').matches : theme.value === 'dark');
