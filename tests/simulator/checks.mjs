// Checks of what the phone API is given: each returns the value, or throws a 400 that names the field.

import { HttpError } from './http.mjs';

export const bad = (field, why) => new HttpError(400, `${field}: ${why}`);

export function string(input, field) {
  const value = input[field];
  if (typeof value !== 'string' || value === '') throw bad(field, 'a non-empty string is required');
  return value;
}

export function optional(input, field, type) {
  const value = input[field];
  if (value !== undefined && typeof value !== type) throw bad(field, `must be a ${type}`);
  return value;
}

export function digits(input, field) {
  const value = string(input, field);
  if (!/^\d{5,20}$/.test(value)) throw bad(field, 'must be 5 to 20 digits');
  return value;
}

export function integer(input, field, fallback, min = 0) {
  if (input[field] === undefined) return fallback;
  const value = Number(input[field]);
  if (!Number.isInteger(value) || value < min) throw bad(field, `must be an integer of at least ${min}`);
  return value;
}

export function strings(input, field) {
  const value = input[field];
  if (value === undefined) return null;
  if (!Array.isArray(value) || !value.every((v) => typeof v === 'string')) {
    throw bad(field, 'must be an array of strings');
  }
  return value;
}

export const person = ({ world }, input, field = 'account') => world.account(string(input, field));
export const chat = ({ world }, input, field) => world.target(string(input, field));
