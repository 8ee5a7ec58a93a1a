// Requests to the server.

import { word } from './words.js';

const MOST_TRIES = 20;

/** Asks the server. While it is busy, asks again. Throws an error with the server's words. */
export async function ask(path, options = {}) {
  for (let tries = 1; ; tries += 1) {
    let response;
    try {
      response = await fetch(path, options);
    } catch {
      throw new Error(word('gone'));
    }
    if (response.ok) return response;
    if (response.status === 429 && tries < MOST_TRIES) {
      const seconds = Number(response.headers.get('retry-after')) || 1;
      await new Promise((done) => setTimeout(done, 1000 * seconds));
      continue;
    }
    const problem = await response.json().catch(() => null);
    throw new Error(problem?.detail ?? `${response.status} ${response.statusText}`);
  }
}

/** Asks for JSON. */
export const askJson = async (path, options) => (await ask(path, options)).json();

/** Sends JSON, and returns the JSON that comes back. */
export const sendJson = (path, value, method = 'POST') =>
  askJson(path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) });
