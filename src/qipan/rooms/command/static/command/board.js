// The slider of the map: another day on the same tiles. Without it the map shows the last day.
(function () {
  "use strict";
  var svg = document.querySelector("[data-map]");
  var slider = document.getElementById("map-day");
  if (!svg || !slider) { return; }
  var data = JSON.parse(document.getElementById(svg.dataset.map).textContent);
  var said = document.getElementById("map-day-said");
  slider.max = String(data.days.length - 1);
  slider.value = slider.max;
  slider.parentElement.hidden = data.days.length < 2;

  function show() {
    var at = Number(slider.value);
    said.textContent = data.days[at];
    slider.setAttribute("aria-valuetext", data.days[at]);
    svg.querySelectorAll("a[data-code]").forEach(function (tile) {
      var shown = data.areas[tile.dataset.code][at];
      tile.querySelector("rect").setAttribute("class", "step-" + shown[1]);
      tile.querySelector(".tile-value").textContent = shown[0];
      var title = tile.querySelector("title");
      title.textContent = title.textContent.replace(/: [^:]*$/, ": " + shown[0]);
    });
  }
  slider.addEventListener("input", show);
  show();
})();
