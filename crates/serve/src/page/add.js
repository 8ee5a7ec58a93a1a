// Adds photos to classes. The server keeps them apart from the person's own.

import { ask, askJson } from './ask.js';
import { byId, make } from './dom.js';
import { word } from './words.js';

/** Refused photos, and names of added ones, that are shown at once. */
const SHOWN = 5;

let changed = null;

/** Prepares the controls; `whenChanged` shows the photos as they are then. */
export function beginAdding(whenChanged) {
  changed = whenChanged;
  byId('new-class-files').addEventListener('change', (event) => send(byId('new-class').value.trim(), event.target));
  byId('added-undo').addEventListener('click', async () => {
    say('');
    try {
      await ask('/api/added/last', { method: 'DELETE' });
    } catch (error) {
      refuse([error.message]);
    }
    await changed();
  });
}

/** Shows what was added, and what waits to be prepared. */
export function showAdded({ added, photos }) {
  say('');
  const prepared = new Set(photos.map((photo) => photo.sha256));
  const waiting = added.filter((photo) => !prepared.has(photo.sha256)).length;
  const gone = photos.filter((photo) => photo.is_taken_back).length;
  byId('added').hidden = added.length === 0 && gone === 0;
  byId('added-undo').hidden = added.length === 0;
  byId('added-count').textContent = word('addedCount', added.length, waiting, gone);
  const classes = [...new Set(added.map((photo) => photo.class))];
  const item = (label) => {
    const files = added.filter((photo) => photo.class === label).map((photo) => photo.file);
    const names = files.slice(-SHOWN).toReversed().join(', ');
    return make('li', {}, `${label}: ${files.length} (${names}${files.length > SHOWN ? ', …' : ''})`);
  };
  byId('added-list').replaceChildren(...classes.map(item));
}

/** The cells of a class in the table of counts: what was added, and a button for more. */
export function addingCells({ added }, label) {
  const input = make('input', {
    type: 'file',
    accept: 'image/*',
    multiple: true,
    class: 'hidden-input',
    'aria-label': word('addTo', label),
    'data-class': label,
    onchange: (event) => send(label, event.target),
  });
  const count = added.filter((photo) => photo.class === label).length;
  return [make('td', {}, String(count)), make('td', {}, make('label', { class: 'button' }, word('addPhotos'), input))];
}

/** Takes photos that are dropped onto the row of a class. */
export function takeDrops(row, label) {
  row.addEventListener('dragover', () => row.classList.add('over'));
  row.addEventListener('dragleave', () => row.classList.remove('over'));
  row.addEventListener('drop', (event) => {
    row.classList.remove('over');
    addAll(label, [...event.dataTransfer.files]);
  });
  return row;
}

async function send(label, input) {
  const files = [...input.files];
  input.value = '';
  await addAll(label, files);
  const again = [...document.querySelectorAll('#counts input')].find((control) => control.dataset.class === label);
  if (document.activeElement === document.body) again?.focus();
}

/** Sends files one by one. Those of one choice are taken back together. */
async function addAll(label, files) {
  if (!files.length) return;
  const place = new URLSearchParams({ class: label, choice: Date.now() });
  const refused = [];
  let count = 0;
  refuse([]);
  for (const [index, file] of files.entries()) {
    say(word('adding', index, files.length));
    const form = new FormData();
    form.append('photo', file);
    try {
      const sent = await askJson(`/api/added?${place}`, { method: 'POST', body: form });
      count += sent.added;
      refused.push(...sent.refused.map(({ name, reason }) => `${name}: ${reason}`));
    } catch (error) {
      refused.push(`${file.name}: ${error.message}`);
    }
  }
  await changed();
  say(word('addedNow', label, count));
  refuse(refused);
}

function say(text) {
  byId('adding-status').textContent = text;
}

/** Says which photos were not added, and why. */
function refuse(lines) {
  const rest = lines.length - SHOWN;
  const shown = rest > 0 ? [...lines.slice(0, SHOWN), word('andMore', rest)] : lines;
  byId('adding-refused').hidden = lines.length === 0;
  byId('adding-refused').replaceChildren(...shown.map((line) => make('p', {}, line)));
}
