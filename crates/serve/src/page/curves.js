// Learning curves, drawn as SVG.

import { make } from './dom.js';
import { draw } from './svg.js';
import { percent, word } from './words.js';

const [WIDTH, HEIGHT, LEFT, BELOW] = [360, 180, 44, 22];

/** A chart of lines over epochs: each a class of CSS, a name, and a value per epoch or null. */
function chart(title, lines, epochs, shown) {
  const values = lines.flatMap((line) => line.values).filter(Number.isFinite);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const span = high - low || 1;
  const x = (index) => LEFT + ((index + 0.5) / epochs) * (WIDTH - LEFT);
  const y = (value) => 10 + (1 - (value - low) / span) * (HEIGHT - BELOW - 20);
  const parts = [draw('line', { class: 'axis', x1: LEFT, x2: WIDTH, y1: HEIGHT - BELOW, y2: HEIGHT - BELOW })];
  for (const value of new Set([low, high])) {
    parts.push(draw('text', { x: LEFT - 4, y: y(value) + 4, 'text-anchor': 'end' }, shown(value)));
  }
  for (const index of new Set([0, epochs - 1])) {
    parts.push(draw('text', { x: x(index), y: HEIGHT - 6, 'text-anchor': 'middle' }, String(index + 1)));
  }
  for (const { kind, values: line } of lines) {
    const points = line.map((value, index) => [index, value]).filter(([, value]) => Number.isFinite(value));
    parts.push(draw('polyline', { class: kind, points: points.map(([index, value]) => `${x(index)},${y(value)}`).join(' ') }));
    points.forEach(([index, value]) => parts.push(draw('circle', { class: `dot ${kind}`, cx: x(index), cy: y(value), r: 2.5 })));
  }
  const said = lines.map(({ name, values: line }) => `${name} ${shown(line.filter(Number.isFinite).at(-1))}`).join(', ');
  const picture = draw('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': `${title}: ${said}` }, ...parts);
  return make('figure', {}, make('figcaption', {}, `${title}: ${said}`), picture);
}

/** The charts of a run: losses, and validation accuracy if there is any. */
export function curves({ epochs, planned }) {
  const count = Math.max(planned, epochs.length);
  const of = (key) => epochs.map((epoch) => epoch[key] ?? null);
  const number = (value) => value?.toFixed(2) ?? '';
  const lines = [
    { kind: 'first', name: word('lossTrain'), values: of('train_loss') },
    { kind: 'second', name: word('lossVal'), values: of('val_loss') },
  ].filter((line) => line.values.some(Number.isFinite));
  const charts = [chart(word('loss'), lines, count, number)];
  const accuracy = of('val_accuracy');
  if (accuracy.some(Number.isFinite)) {
    charts.push(chart(word('accuracy'), [{ kind: 'first', name: word('lossVal'), values: accuracy }], count, (value) => percent(value)));
  }
  return charts;
}
