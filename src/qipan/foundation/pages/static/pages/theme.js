// Before anything is painted: light or dark, as chosen here before, else as the device says.
(function () {
  "use strict";
  var root = document.documentElement;
  root.classList.add("js");
  var kept = null;
  try { kept = localStorage.getItem("qipan-theme"); } catch (error) { kept = null; }
  var dark = window.matchMedia && window.matchMedia("(prefers-color-scheme: dark)").matches;
  if (root.classList.contains("wall")) { kept = kept || "dark"; }
  root.setAttribute("data-bs-theme", kept || (dark ? "dark" : "light"));
  // Where the device has no Chinese font, ours comes after the first words were laid out: lay them out again with it.
  if (document.fonts && document.fonts.addEventListener) {
    document.fonts.addEventListener("loadingdone", function () {
      // Chromium keeps words as it shaped them before; another spacing makes it shape them anew (qipan.css)
      root.setAttribute("data-fonts", root.getAttribute("data-fonts") === "1" ? "2" : "1");
    });
  }
})();
