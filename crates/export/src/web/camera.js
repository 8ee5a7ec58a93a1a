// Takes a photo: with the camera's own program on a phone, with a picture of the camera elsewhere.

const element = (id) => document.getElementById(id);

export async function takePhoto({ camera, take, refuse }) {
  if (matchMedia("(pointer: coarse)").matches || !navigator.mediaDevices) return camera.click();
  const dialog = element("viewfinder"), video = element("video");
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 } } });
  } catch (error) {
    return refuse(error.message);
  }
  video.srcObject = stream;
  dialog.onclose = () => stream.getTracks().forEach((track) => track.stop());
  element("close").onclick = () => dialog.close();
  element("snap").onclick = async () => {
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d").drawImage(video, 0, 0);
    dialog.close();
    canvas.toBlob((blob) => take([new File([blob], `${new Date().toLocaleTimeString()}.png`)]));
  };
  dialog.showModal();
}
