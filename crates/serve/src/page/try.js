// Labels photos.

import { ask, askJson } from './ask.js';
import { useCamera } from './camera.js';
import { byId, download, make } from './dom.js';
import { percent, word } from './words.js';

/** Photos that are asked for at once: enough that the server can label several together. */
const AT_ONCE = 6;

let models = [];
let answers = [];
let [waiting, asked, done] = [[], 0, 0];

/** The model that is chosen. */
const chosen = () => models.find((model) => model.name === byId('model').value) ?? models[0];

/** Prepares the tab. */
export function beginTry() {
  const drop = byId('drop');
  byId('files').addEventListener('change', (event) => {
    label([...event.target.files]);
    event.target.value = '';
  });
  byId('model').addEventListener('change', showTry);
  byId('clear').addEventListener('click', clear);
  byId('table').addEventListener('click', () => download('labels.csv', 'text/csv', table()));
  for (const kind of ['dragover', 'drop']) {
    document.addEventListener(kind, (event) => event.preventDefault());
  }
  drop.addEventListener('dragover', () => drop.classList.add('over'));
  drop.addEventListener('dragleave', () => drop.classList.remove('over'));
  drop.addEventListener('drop', (event) => {
    drop.classList.remove('over');
    label([...event.dataTransfer.files]);
  });
  document.addEventListener('paste', (event) => {
    if (!byId('tab-try').hidden) label([...event.clipboardData.files]);
  });
  useCamera(label);
}

/** Shows the tab, with the models that are served now. */
export async function loadTry() {
  ({ models } = await askJson('/v1/models'));
  const before = sessionStorage.getItem('kennel-model') ?? byId('model').value;
  sessionStorage.removeItem('kennel-model');
  const option = ({ name }) => make('option', { value: name, selected: name === before }, name);
  byId('model').replaceChildren(...models.map(option));
  showTry();
}

/** Shows what does not depend on the server, in the language of the page. */
export function showTry() {
  const [model, none] = [chosen(), byId('no-model')];
  none.hidden = model !== undefined;
  byId('try-form').hidden = model === undefined;
  byId('model-choice').hidden = models.length < 2;
  byId('knows').textContent = model ? word('knows', model.class_names.join(', ')) : '';
  showProgress();
  byId('answers').replaceChildren(...answers.map((answer) => answer.item));
  answers.forEach(showAnswer);
}

function showProgress() {
  byId('try-status').textContent = asked ? word('labelling', done, asked) : '';
  byId('try-tools').hidden = answers.length === 0;
}

function clear() {
  answers.flatMap(({ address, heat }) => [address, heat ?? []].flat()).forEach((made) => URL.revokeObjectURL(made));
  [answers, waiting, asked, done] = [[], [], 0, 0];
  showTry();
}

/** Labels files, the newest on top. */
function label(files) {
  if (!files.length || !chosen()) return;
  const model = chosen();
  for (const file of files) {
    const answer = { file, model, address: URL.createObjectURL(file), item: make('li', { class: 'answer' }) };
    answers.unshift(answer);
    waiting.push(answer);
    asked += 1;
    byId('answers').prepend(answer.item);
    showAnswer(answer);
  }
  showProgress();
  while (working < AT_ONCE && working < waiting.length) work();
}

let working = 0;

/** Labels photos until none waits. */
async function work() {
  working += 1;
  for (let answer = waiting.shift(); answer; answer = waiting.shift()) {
    try {
      const found = await askJson(`/v1/predict?model=${encodeURIComponent(answer.model.name)}`, sent(answer.file));
      [answer.found] = found.predictions;
    } catch (error) {
      answer.error = error.message;
    }
    if (answers.includes(answer)) {
      done += 1;
      showAnswer(answer);
      showProgress();
    }
  }
  working -= 1;
}

function showAnswer(answer) {
  const { found, error, file, address, heat } = answer;
  const name = make('p', { class: 'name soft' }, file.name);
  const picture = make('img', {
    class: 'picture',
    src: answer.looks ? heat : address,
    alt: answer.looks ? word('heat', found.top[0].label) : word('photo', file.name),
  });
  const text = make('div', { class: 'text' });
  if (error) text.append(make('p', { class: 'bad', role: 'alert' }, error));
  if (found) {
    const best = found.top[0];
    text.append(make('h3', {}, found.unknown ? word('none') : `${best.label} ${percent(best.probability)}`));
    if (found.unknown) text.append(make('p', { class: 'note' }, word('noneWhy')));
    for (const note of found.notes ?? []) text.append(make('p', { class: 'note' }, note));
    const rank = ({ label, probability }) =>
      make(
        'li',
        {},
        make('span', {}, label),
        make('span', {}, percent(probability)),
        make('meter', { value: probability, 'aria-label': label }),
      );
    text.append(make('ul', { class: 'ranks' }, ...found.top.map(rank)));
    if (answer.model.explains) {
      const where = async (event) => {
        event.target.disabled = true;
        await look(answer);
      };
      const shown = answer.looks ? 'seen' : 'where';
      const alike = async (event) => {
        event.target.disabled = true;
        await compare(answer);
      };
      text.append(
        make(
          'p',
          { class: 'buttons' },
          make('button', { type: 'button', onclick: where }, word(shown)),
          make('button', { type: 'button', onclick: alike, hidden: answer.alike !== undefined }, word('similar')),
        ),
      );
    }
    if (answer.alike) text.append(make('p', {}, word('similarWhy')), make('ul', { class: 'alike' }, ...answer.alike.map(alikeItem)));
  }
  text.append(name);
  answer.item.setAttribute('aria-busy', String(!found && !error));
  answer.item.replaceChildren(picture, text);
}

/** Changes between a photo and its heat map. */
async function look(answer) {
  answer.looks = !answer.looks;
  try {
    answer.heat ??= await heatOf(answer);
  } catch (error) {
    answer.looks = false;
    answer.error = error.message;
  }
  showAnswer(answer);
  answer.item.querySelector('button')?.focus();
}

/** The address of a photo's heat map. */
async function heatOf({ model, found, file }) {
  const asked = new URLSearchParams({ model: model.name, class: found.top[0].label });
  const response = await ask(`/v1/explain?${asked}`, sent(file));
  return URL.createObjectURL(await response.blob());
}

/** Finds the photos of the data set that are like a photo. */
async function compare(answer) {
  try {
    const found = await askJson(`/v1/similar?model=${encodeURIComponent(answer.model.name)}`, sent(answer.file));
    answer.alike = found.photos;
  } catch (error) {
    answer.error = error.message;
  }
  showAnswer(answer);
  answer.item.querySelector('button')?.focus();
}

/** A photo of the data set with its label. A model that is served may know other photos than those on this page. */
function alikeItem({ path, sha256, label, similarity }) {
  const picture = make('img', { src: `/api/photos/${sha256}/picture`, alt: path, title: path, loading: 'lazy' });
  return make('li', {}, picture, make('span', {}, word('similarTo', label, percent(similarity))));
}

/** A request that sends a photo. */
function sent(file) {
  return { method: 'POST', headers: { 'content-type': 'application/octet-stream' }, body: file };
}

/** The answers as CSV, the first photo first. A spreadsheet would run a cell that begins like a formula. */
function table() {
  const cell = (value) => {
    const text = String(value ?? '');
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const row = ({ file, model, found, error }) =>
    [file.name, model.name, found?.label, found?.probability, found?.unknown, found?.unknown_score, error];
  const header = ['path', 'model', 'label', 'probability', 'unknown', 'unknown_score', 'error'];
  const rows = [header, ...answers.toReversed().map(row)];
  return rows.map((cells) => `${cells.map(cell).join(',')}\r\n`).join('');
}
