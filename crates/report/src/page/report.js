// Comfort only: the page is complete without it.
(() => {
  // A link to what is folded opens it, also in browsers that do not by themselves.
  const open = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let at = target && target.parentElement; at; at = at.parentElement) {
      if (at.tagName === "DETAILS") at.open = true;
    }
    if (target && target.closest("details")) target.scrollIntoView();
  };
  addEventListener("hashchange", open);
  open();
  // Escape closes the photo that is open, and keeps the keyboard on it.
  addEventListener("keydown", event => {
    if (event.key !== "Escape") return;
    for (const photo of document.querySelectorAll("details.photo[open]")) {
      photo.open = false;
      photo.querySelector("summary").focus();
    }
  });
})();
