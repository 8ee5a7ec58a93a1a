// Prepares photos, trains, and hands over what came of it.

import { ask, askJson, sendJson } from './ask.js';
import { curves } from './curves.js';
import { byId, choices, make } from './dom.js';
import { currentLanguage, duration, percent, word } from './words.js';

/** How often a running command is asked for, in milliseconds. */
const LOOK = 1000;
/** Minutes that a person may give, for `auto`. */
const BUDGETS = [5, 20, 60, 240];
const BUDGET = '20';
const FOLDER = 'kennel-folder';
const KINDS = { prepare: 'kindPrepare', train: 'kindTrain', audit: 'kindAudit', report: 'kindReport', export: 'kindExport' };

let [networks, jobs, runs, data] = [[], [], [], null];
let timer = null;

/** Prepares the tab. */
export function beginTrain() {
  byId('prepare-form').addEventListener('submit', (event) => {
    event.preventDefault();
    localStorage.setItem(FOLDER, byId('folder').value.trim());
    start({ kind: 'prepare', photos: byId('folder').value.trim() });
  });
  byId('folder').value = localStorage.getItem(FOLDER) ?? '';
  byId('browse').addEventListener('click', () => browse(byId('folder').value.trim()));
  byId('train-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const strategy = byId('strategy').value;
    const isAuto = strategy === 'auto';
    start({
      kind: 'train',
      model: byId('network').value,
      weights: byId('weights').value.trim() || null,
      strategy,
      budget_minutes: isAuto ? Number(byId('effort').value) || null : null,
      epochs: isAuto ? null : Number(byId('epochs').value) || null,
    });
  });
  byId('strategy').addEventListener('change', showChoices);
  byId('job-stop').addEventListener('click', () => attempt(() => ask(`/api/jobs/${jobs[0].id}`, { method: 'DELETE' })));
  byId('make-report').addEventListener('click', () => start({ kind: 'report', lang: currentLanguage() }));
}

/** Shows the tab, with everything as it is now. */
export async function loadTrain() {
  await attempt(async () => {
    if (!networks.length) networks = await askJson('/api/networks');
    await refresh();
  });
}

/** Stops asking when another tab is opened. */
export function leaveTrain() {
  clearTimeout(timer);
}

/** Does something, and says what went wrong. */
async function attempt(work) {
  byId('train-error').hidden = true;
  try {
    await work();
  } catch (error) {
    byId('train-error').textContent = error.message;
    byId('train-error').hidden = false;
  }
}

async function start(asked) {
  await attempt(async () => {
    await sendJson('/api/jobs', asked);
    await refresh();
    byId('job').scrollIntoView({ block: 'nearest' });
  });
}

/** Asks for what may have changed; again, while a command runs. */
async function refresh() {
  clearTimeout(timer);
  const before = jobs[0]?.status;
  [jobs, runs] = await Promise.all([askJson('/api/jobs'), askJson('/api/runs')]);
  const isRunning = jobs[0]?.status === 'running';
  if (!isRunning || before === undefined) data = await askJson('/api/photos');
  showTrain();
  if (isRunning && location.hash === '#train') timer = setTimeout(() => attempt(refresh), LOOK);
}

/** Shows what does not depend on the server, in the language of the page. */
export function showTrain() {
  showChoices();
  byId('prepared').textContent = data ? word('prepared', data.photos.length, data.classes.length) : '';
  const isRunning = jobs[0]?.status === 'running';
  for (const button of document.querySelectorAll('#tab-train button[type=submit], #make-report, #runs button.job-button')) {
    button.disabled = isRunning;
  }
  showJob();
  showRuns(isRunning);
}

function showChoices() {
  choices(byId('network'), networks.map(({ name, good_for }) => [name, `${name} — ${good_for}`]));
  const time = (minutes) => [String(minutes), minutes < 60 ? word('minutes', minutes) : word('hours', minutes / 60)];
  choices(byId('effort'), [...BUDGETS.map(time), ['', word('noLimit')]], BUDGET);
  choices(byId('strategy'), [
    ['auto', word('strategyAuto')],
    ['freeze', word('strategyFreeze')],
    ['partial', word('strategyPartial')],
    ['full', word('strategyFull')],
  ]);
  const isAuto = byId('strategy').value === 'auto';
  byId('effort').disabled = !isAuto;
  byId('epochs').disabled = isAuto;
}

function showJob() {
  const [job] = jobs;
  byId('job').hidden = !job;
  if (!job) return;
  byId('job-status').textContent = word(job.status, word(KINDS[job.kind]));
  byId('job-stop').hidden = job.status !== 'running';
  byId('job-command').textContent = job.command;
  byId('job-lines').textContent = job.lines.join('\n');
  if (job.status === 'failed') byId('job').querySelector('details').open = true;
  const run = job.kind === 'train' ? runs[0] : undefined;
  const isOwn = run !== undefined && (job.status !== 'running' || !run.is_finished);
  const times = [word(job.status === 'running' ? 'elapsed' : 'took', duration(job.elapsed_s))];
  if (isOwn && run.epochs.length) {
    times.push(word('epochOf', run.epochs.length, run.planned));
    const each = run.epochs.at(-1).elapsed_s / run.epochs.length;
    const left = each * (run.planned - run.epochs.length);
    if (job.status === 'running' && left > 0) times.push(word('left', duration(left)));
  }
  byId('job-time').textContent = times.join(' · ');
  byId('curves').replaceChildren(...(isOwn && run.epochs.length ? curves(run) : []));
}

function showRuns(isRunning) {
  byId('no-runs').hidden = runs.length > 0;
  byId('runs-box').hidden = runs.length === 0;
  const columns = [word('run'), word('val'), word('test'), word('actions')];
  const head = make('tr', {}, ...columns.map((text) => make('th', { scope: 'col' }, text)));
  const measured = (share) => (share ? `${percent(share.value)} (${percent(share.low)}–${percent(share.high)})` : '');
  const row = (run) => {
    const button = (key, work, isJob = true) =>
      make('button', { type: 'button', class: isJob ? 'job-button' : false, disabled: isJob && isRunning, onclick: work }, word(key));
    const then = make('div', { class: 'buttons' });
    if (run.is_finished) {
      then.append(
        button('tryRun', () => tryRun(run.name), false),
        button('auditRun', () => start({ kind: 'audit', run: run.name })),
        button('exportRun', () => start({ kind: 'export', run: run.name })),
      );
      if (run.is_exported) {
        then.append(make('a', { class: 'button', href: `/api/runs/${encodeURIComponent(run.name)}/onnx`, download: '' }, word('downloadRun')));
      }
    }
    const state = run.is_finished ? measured(run.test) : word('unfinished');
    return make('tr', {}, make('th', { scope: 'row' }, run.name), make('td', { 'data-name': word('val') }, measured(run.val)), make('td', { 'data-name': word('test') }, state), make('td', {}, then));
  };
  byId('runs').replaceChildren(make('thead', {}, head), make('tbody', {}, ...runs.map(row)));
  byId('open-report').hidden = !jobs.some((job) => job.kind === 'report' && job.status === 'done');
}

async function tryRun(name) {
  await attempt(async () => {
    await ask(`/api/runs/${encodeURIComponent(name)}/serve`, { method: 'POST' });
    sessionStorage.setItem('kennel-model', name);
    location.hash = '#try';
  });
}

/** Lists the folders in a folder, to choose from. */
async function browse(path) {
  await attempt(async () => {
    const found = await askJson(`/api/folders${path ? `?path=${encodeURIComponent(path)}` : ''}`);
    byId('folder').value = found.path;
    const item = (text, target) => make('li', {}, make('button', { type: 'button', onclick: () => browse(target) }, text));
    const separator = found.path.endsWith('/') ? '' : '/';
    byId('folders').replaceChildren(
      ...(found.above ? [item(word('above'), found.above)] : []),
      ...found.folders.map((name) => item(name, `${found.path}${separator}${name}`)),
    );
    byId('folders').hidden = false;
  });
}
