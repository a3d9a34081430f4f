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
})();
