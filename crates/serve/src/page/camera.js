// Photos from the camera.

import { byId } from './dom.js';
import { word } from './words.js';

/** Lets the buttons open the camera and take photos. `taken` gets each as a file. */
export function useCamera(taken) {
  let stream = null;
  let count = 0;
  const [box, view, error] = [byId('camera'), byId('camera-view'), byId('camera-error')];

  const close = () => {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    box.hidden = true;
    byId('camera-open').focus();
  };

  byId('camera-open').addEventListener('click', async () => {
    error.hidden = true;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
      view.srcObject = stream;
      box.hidden = false;
      await view.play();
      byId('camera-take').focus();
    } catch (refused) {
      error.textContent = word('cameraRefused', refused.message);
      error.hidden = false;
    }
  });
  byId('camera-close').addEventListener('click', close);
  byId('camera-take').addEventListener('click', () => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [view.videoWidth, view.videoHeight];
    canvas.getContext('2d').drawImage(view, 0, 0);
    count += 1;
    const name = word('photoTaken', count);
    canvas.toBlob((blob) => taken([new File([blob], name, { type: blob.type })]), 'image/jpeg', 0.95);
  });
}
