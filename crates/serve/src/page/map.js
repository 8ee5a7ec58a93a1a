// The map of the photos: those that a model sees as alike lie close together.

import { askJson } from './ask.js';
import { byId, choices, make } from './dom.js';
import { draw } from './svg.js';
import { word } from './words.js';

/** Side of the map, its margin, the side of a photo on it, and the least distance between two; as in the report. */
const [SIDE, MARGIN, PHOTO, APART] = [1000, 45, 74, 80];
/** Degrees between the hues of neighbouring classes, as in the report. */
const HUE_STEP = 137.508;

let data = null;
let map = null;
let openPhoto = null;

/** Prepares the map. Photos that are clicked are given to `open`. */
export function beginMap(open) {
  openPhoto = open;
  byId('map').addEventListener('toggle', load);
  byId('map-model').addEventListener('change', load);
}

/** Shows the map of a data set, if it is open. */
export async function showMap(photos) {
  data = photos;
  byId('map').hidden = data === null;
  if (map && data) show();
  else await load();
}

async function load() {
  if (!byId('map').open || !data) return;
  map = null;
  byId('map-drawn').replaceChildren();
  byId('map-status').textContent = word('mapComes');
  try {
    const { models } = await askJson('/v1/models');
    const runs = models.filter((model) => model.kind === 'run').map(({ name }) => name);
    byId('map-choice').hidden = runs.length < 2;
    if (!runs.length) throw new Error(word('noModel'));
    choices(byId('map-model'), runs.map((name) => [name, name]), runs[0]);
    map = await askJson(`/api/map?model=${encodeURIComponent(byId('map-model').value || runs[0])}`);
    show();
  } catch (error) {
    byId('map-status').textContent = error.message;
  }
}

const colour = (label) => `hsl(${(210 + HUE_STEP * data.classes.indexOf(label)) % 360} 70% 48%)`;

function show() {
  const known = new Map(data.photos.map((photo) => [photo.sha256, photo]));
  const along = (share) => MARGIN + share * (SIDE - 2 * MARGIN);
  const placed = map.photos
    .map(({ sha256, x, y }) => ({ photo: known.get(sha256), x: along(x), y: along(y) }))
    .filter(({ photo }) => photo);
  const key = (label) => make('li', {}, draw('svg', { width: 12, height: 12, 'aria-hidden': true }, draw('circle', { cx: 6, cy: 6, r: 5.5, fill: colour(label) })), ` ${label}`);
  byId('map-status').textContent = placed.length ? word('mapOf', placed.length, map.of) : word('mapEmpty');
  const drawn = draw('svg', { class: 'map', viewBox: `0 0 ${SIDE} ${SIDE}`, role: 'img', 'aria-label': word('map') }, ...placed.map(circle), ...apart(placed).map(picture));
  byId('map-drawn').replaceChildren(...(placed.length ? [make('ul', { class: 'key' }, ...data.classes.map(key)), drawn] : []));
}

const title = (photo) => draw('title', {}, `${photo.source}: ${photo.label}`);

function circle({ photo, x, y }) {
  return draw('circle', { cx: x.toFixed(1), cy: y.toFixed(1), r: 9, fill: colour(photo.label), onclick: () => openPhoto(photo) }, title(photo));
}

function picture({ photo, x, y }) {
  const at = { x: x - PHOTO / 2, y: y - PHOTO / 2, width: PHOTO, height: PHOTO };
  const image = draw('image', { ...at, href: `/api/photos/${photo.sha256}/picture`, preserveAspectRatio: 'xMidYMid slice' });
  const frame = draw('rect', { ...at, fill: 'none', stroke: colour(photo.label), 'stroke-width': 5 });
  return draw('g', { onclick: () => openPhoto(photo) }, title(photo), image, frame);
}

/** Photos that do not meet when they are shown small. */
function apart(placed) {
  const chosen = [];
  for (const one of placed) {
    const meets = (other) => Math.abs(one.x - other.x) < APART && Math.abs(one.y - other.y) < APART;
    if (!chosen.some(meets)) chosen.push(one);
  }
  return chosen;
}
