// What the page says, in the browser's language.

const en = {
  title: "Which one is it?",
  lead: "Photos stay on this device: the page computes everything itself.",
  choose: "Choose photos",
  shoot: "Take a photo",
  orDrop: "or drop photos anywhere on this page, or paste one",
  close: "Close",
  save: "Save as CSV",
  made: "Made with Kennel. The network runs in ONNX Runtime (MIT licence).",
  about: (architecture, classes) => `${architecture} · classes: ${classes}`,
  loading: (done) => `Loading the network: ${done}`,
  ready: "Ready.",
  labelling: (photos) => `Labelling photos: ${photos}.`,
  labelled: (photos, ms) => `Done. Photos: ${photos}; ${ms} ms each.`,
  unknown: "none of these",
  nearest: (label, share) => `Nearest: ${label}, ${share}`,
  measured: (share, right, photos) => `Right on ${right} of ${photos} photos that it was not trained on (${share}).`,
  pasted: "pasted photo",
  unreadable: "This browser cannot read the file as a photo.",
  failed: (reason) => `The network did not finish (${reason}). This device may lack memory for so large a photo.`,
  notLoaded: (reason) => `The network could not be loaded: ${reason}`,
  noCamera: (reason) => `The camera cannot be used: ${reason}`,
};

const ru = {
  title: "Что на снимке?",
  lead: "Фотографии остаются на этом устройстве: страница всё вычисляет сама.",
  choose: "Выбрать фотографии",
  shoot: "Сделать снимок",
  orDrop: "или перетащите их на страницу, или вставьте из буфера",
  close: "Закрыть",
  save: "Сохранить как CSV",
  made: "Сделано в Kennel. Сеть работает в ONNX Runtime (лицензия MIT).",
  about: (architecture, classes) => `${architecture} · классов: ${classes}`,
  loading: (done) => `Сеть загружается: ${done}`,
  ready: "Готово к работе.",
  labelling: (photos) => `Распознаются фотографии: ${photos}.`,
  labelled: (photos, ms) => `Готово. Фотографий: ${photos}; на каждую ${ms} мс.`,
  unknown: "ничего из этого",
  nearest: (label, share) => `Ближе всего: ${label}, ${share}`,
  measured: (share, right, photos) => `Верно на ${right} из ${photos} фотографий, на которых сеть не обучали (${share}).`,
  pasted: "вставленная фотография",
  unreadable: "Этот браузер не может прочитать файл как фотографию.",
  failed: (reason) => `Сеть не закончила работу (${reason}). Возможно, устройству не хватает памяти для такой большой фотографии.`,
  notLoaded: (reason) => `Не удалось загрузить сеть: ${reason}`,
  noCamera: (reason) => `Камера недоступна: ${reason}`,
};

export const language = navigator.language.toLowerCase().startsWith("ru") ? "ru" : "en";
export const words = { en, ru }[language];

const shares = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 });
export const percent = (share) => shares.format(share);
