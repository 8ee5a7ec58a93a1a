// The tabs of the page.

import { byId } from './dom.js';
import { beginPhotos, loadPhotos, showPhotos } from './photos.js';
import { beginTrain, leaveTrain, loadTrain, showTrain } from './train.js';
import { beginTry, loadTry, showTry } from './try.js';
import { otherLanguage, translate } from './words.js';

/** Each tab: what is done once, each time that it is opened, and when the language changes. */
const TABS = {
  try: { begin: beginTry, load: loadTry, show: showTry },
  photos: { begin: beginPhotos, load: loadPhotos, show: showPhotos },
  train: { begin: beginTrain, load: loadTrain, show: showTrain, leave: leaveTrain },
};
const FIRST = 'try';

let open = null;

/** Opens the tab that the address names. */
async function openTab() {
  const asked = location.hash.slice(1);
  if (asked === 'main') return;
  TABS[open]?.leave?.();
  open = asked in TABS ? asked : FIRST;
  for (const name of Object.keys(TABS)) {
    byId(`tab-${name}`).hidden = name !== open;
    const link = document.querySelector(`nav a[href="#${name}"]`);
    if (name === open) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  await TABS[open].load();
}

translate();
Object.values(TABS).forEach((tab) => tab.begin());
byId('language').addEventListener('click', () => {
  otherLanguage();
  TABS[open].show();
});
addEventListener('hashchange', openTab);
await openTab();
