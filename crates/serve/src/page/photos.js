// Looks at the data set, and corrects labels.

import { addingCells, beginAdding, showAdded, takeDrops } from './add.js';
import { ask, askJson, sendJson } from './ask.js';
import { byId, choices, make } from './dom.js';
import { beginMap, showMap } from './map.js';
import { word } from './words.js';

/** Photos that are shown at once. */
const PAGE = 120;
const SPLITS = ['train', 'val', 'test'];

let data = null;
let shown = PAGE;
let open = null;

/** Prepares the tab. */
export function beginPhotos() {
  for (const id of ['of-class', 'of-kind']) {
    byId(id).addEventListener('change', () => {
      shown = PAGE;
      showGrid();
    });
  }
  byId('more-photos').addEventListener('click', () => {
    shown += PAGE;
    showGrid();
  });
  byId('undo').addEventListener('click', async () => {
    data.fixes = await (await ask('/api/fixes/last', { method: 'DELETE' })).json();
    showPhotos();
  });
  beginAdding(loadPhotos);
  beginMap(openPhoto);
  byId('photo-close').addEventListener('click', () => byId('photo').close());
  byId('photo-save').addEventListener('click', () => correct(byId('photo-label').value));
  byId('photo-aside').addEventListener('click', () => correct(null));
}

/** Shows the tab, with the photos as they are now. */
export async function loadPhotos() {
  data = await askJson('/api/photos');
  showPhotos();
}

/** Shows what does not depend on the server, in the language of the page. */
export function showPhotos() {
  byId('photos-none').hidden = data !== null;
  byId('photos-all').hidden = data === null;
  showMap(data);
  if (!data) return;
  showCounts();
  choices(byId('of-class'), [['', word('allClasses')], ...data.classes.map((name) => [name, name])]);
  choices(byId('of-kind'), [
    ['', word('all')],
    ['suspect', word('suspect', data.suggestions.length)],
    ['alike', word('alike', data.photos.filter((photo) => photo.alike !== undefined).length)],
    ['fixed', word('fixed', data.fixes.length)],
  ]);
  byId('fixes').hidden = data.fixes.length === 0;
  byId('fixes-count').textContent = word('corrections', data.fixes.length);
  showAdded(data);
  byId('rejected').textContent = word('rejected', data.rejected.length);
  showGrid();
}

function showCounts() {
  const count = (label, split) =>
    data.photos.filter((photo) => photo.label === label && (split === null || photo.split === split)).length;
  const names = { train: word('trainPart'), val: word('val'), test: word('test') };
  const head = make('tr', {}, ...[word('class'), ...SPLITS.map((split) => names[split]), word('total'), word('added'), word('addPhotos')].map((text) => make('th', { scope: 'col' }, text)));
  const row = (label) => {
    const counts = [...SPLITS, null].map((split) => make('td', {}, String(count(label, split))));
    return takeDrops(make('tr', {}, make('th', { scope: 'row' }, label), ...counts, ...addingCells(data, label)), label);
  };
  const classes = new Set([...data.classes, ...data.added.map((photo) => photo.class)]);
  byId('counts').replaceChildren(make('thead', {}, head), make('tbody', {}, ...[...classes].map(row)));
}

const fixOf = (photo) => data.fixes.find((fix) => fix.path === photo.source);
const suggestionOf = (photo) => data.suggestions.find((fix) => fix.path === photo.source);

/** Photos that are asked for. Suspects come as the audit ranks them, look-alikes together. */
function asked() {
  const [label, kind] = [byId('of-class').value, byId('of-kind').value];
  const photos = data.photos.filter((photo) => !label || photo.label === label);
  const rank = (photo) => data.suggestions.findIndex((fix) => fix.path === photo.source);
  switch (kind) {
    case 'suspect':
      return photos.filter(suggestionOf).sort((a, b) => rank(a) - rank(b));
    case 'alike':
      return photos.filter((photo) => photo.alike !== undefined).sort((a, b) => a.alike - b.alike);
    case 'fixed':
      return photos.filter(fixOf);
    default:
      return photos;
  }
}

function mark(photo) {
  if (photo.is_taken_back) return word('takenBack');
  const fix = fixOf(photo);
  if (fix) return fix.aside ? word('aside') : `→ ${fix.suggested}`;
  const suggestion = suggestionOf(photo);
  return suggestion ? word('suggested', suggestion.suggested) : null;
}

function showGrid() {
  const photos = asked();
  const tile = (photo) => {
    const text = mark(photo);
    const picture = make('img', { src: `/api/photos/${photo.sha256}/picture`, alt: photo.source, loading: 'lazy' });
    return make(
      'li',
      {},
      make(
        'button',
        { type: 'button', onclick: () => openPhoto(photo) },
        picture,
        make('span', {}, photo.label),
        text === null ? null : make('span', { class: 'mark' }, text),
      ),
    );
  };
  byId('photos-grid').replaceChildren(...photos.slice(0, shown).map(tile));
  byId('more-photos').hidden = photos.length <= shown;
  byId('photos-status').textContent = word('shown', Math.min(shown, photos.length), photos.length);
}

function openPhoto(photo) {
  open = photo;
  byId('photo-name').textContent = photo.source;
  byId('photo-large').src = `/api/photos/${photo.sha256}/picture?large=true`;
  byId('photo-large').alt = word('photo', photo.source);
  byId('photo-facts').textContent = [photo.label, photo.split, mark(photo)].filter(Boolean).join(' · ');
  choices(byId('photo-label'), data.classes.map((name) => [name, name]));
  const fix = fixOf(photo) ?? suggestionOf(photo);
  byId('photo-label').value = fix?.suggested || photo.label;
  byId('photo-error').hidden = true;
  byId('photo').showModal();
}

/** Corrects the label of the open photo; null sets it aside. */
async function correct(label) {
  try {
    data.fixes = await sendJson('/api/fixes', { source: open.source, label });
    byId('photo').close();
    showPhotos();
  } catch (error) {
    byId('photo-error').textContent = error.message;
    byId('photo-error').hidden = false;
  }
}
