// Charts on canvas from data that the page carries as JSON. Nothing inline: sizes are in the style sheet.
// <div class="chart" data-chart="KEY"> and <script type="application/json" id="KEY">:
// {kind: "bars" | "line", axis, days: [ISO], labels: [words], series: [{name, colour, values}], marks: [{day, text}]}
(function () {
  "use strict";

  // Okabe and Ito: told apart by colour-blind eyes; each series has a pattern as well.
  var PALETTE = {
    orange: "#E69F00", sky: "#56B4E9", green: "#009E73", yellow: "#F0E442", blue: "#0072B2", vermilion: "#D55E00",
    purple: "#CC79A7", black: "#000000", grey: "#999999"
  };
  var charts = [];
  var printing = false;

  function token(name, fallback) {
    return window.getComputedStyle(document.documentElement).getPropertyValue(name).trim() || fallback;
  }

  function colours() {
    if (printing) { return { ink: "#000", line: "#999", soft: "#eee", back: "#fff" }; }
    return { ink: token("--q-ink", "#222"), line: token("--q-line", "#ccc"), soft: token("--q-soft", "#eee"), back: token("--bs-body-bg", "#fff") };
  }

  function still() { return window.matchMedia && window.matchMedia("(prefers-reduced-motion: reduce)").matches; }

  function option(data) {
    var look = colours();
    var long = data.days.length > 120;
    var bars = data.kind !== "line";
    var series = data.series.map(function (each, index) {
      var made = {
        name: each.name, type: bars ? "bar" : "line", stack: bars ? "all" : undefined,
        // no bar at all where nothing was counted: an empty one would still have an edge
        data: bars ? each.values.map(function (value) { return value || null; }) : each.values,
        itemStyle: { color: PALETTE[each.colour] || each.colour || PALETTE.blue, borderColor: look.back, borderWidth: bars && !long ? 1 : 0 },
        barCategoryGap: long ? "0%" : "8%", symbol: "circle", symbolSize: 4, connectNulls: false, emphasis: { disabled: true }
      };
      if (!bars) { made.lineStyle = { type: ["solid", "dashed", "dotted"][index % 3], width: 2 }; }
      if (index === 0 && data.marks && data.marks.length) {
        made.markLine = {
          symbol: ["none", "none"], lineStyle: { color: look.ink, type: "dashed" }, silent: true,
          label: { color: look.ink, formatter: function (mark) { return mark.name; } },
          data: data.marks.map(function (mark) { return { name: mark.text, xAxis: data.days.indexOf(mark.day) }; }).filter(function (mark) { return mark.xAxis >= 0; })
        };
      }
      return made;
    });
    return {
      animation: !still() && !printing, textStyle: { fontFamily: window.getComputedStyle(document.body).fontFamily, color: look.ink },
      aria: { enabled: true, label: { enabled: false }, decal: { show: bars && !long && data.series.length > 1 } },
      grid: { left: 48, right: 16, top: 44, bottom: long ? 64 : 28 },
      legend: { top: 0, left: "center", textStyle: { color: look.ink }, itemWidth: 18, itemHeight: 12, selectedMode: true },
      tooltip: {
        trigger: "axis", renderMode: "richText", axisPointer: { type: "shadow" }, backgroundColor: look.back, borderColor: look.line,
        textStyle: { color: look.ink },
        formatter: function (points) {
          var sum = 0;
          var lines = [data.days[points[0].dataIndex]];
          points.forEach(function (point) {
            if (point.value === null || point.value === undefined) { return; }
            sum += point.value;
            if (point.value || !bars) { lines.push(point.seriesName + ": " + point.value); }
          });
          if (bars) { lines.push("Σ " + sum); }
          return lines.join("\n");
        }
      },
      xAxis: {
        type: "category", data: data.labels || data.days, axisLine: { lineStyle: { color: look.line } },
        axisLabel: { color: look.ink, hideOverlap: true }, axisTick: { alignWithLabel: true }
      },
      yAxis: {
        type: "value", minInterval: bars ? 1 : 0, name: data.axis, nameGap: 8, nameTextStyle: { color: look.ink, align: "right" },
        axisLabel: { color: look.ink }, splitLine: { lineStyle: { color: look.line, opacity: 0.6 } }
      },
      dataZoom: long && !printing ? [{ type: "slider", height: 18, bottom: 8, textStyle: { color: look.ink }, brushSelect: false }] : [],
      series: series
    };
  }

  function draw(chart) {
    chart.picture.setOption(option(chart.data), { notMerge: true });
  }

  function redraw() { charts.forEach(draw); }

  function start() {
    if (!window.echarts) { return; }
    document.querySelectorAll("[data-chart]").forEach(function (place) {
      var source = document.getElementById(place.dataset.chart);
      if (!source) { return; }
      var chart = { picture: window.echarts.init(place, null, { renderer: "canvas" }), data: JSON.parse(source.textContent) };
      charts.push(chart);
      draw(chart);
      if (window.ResizeObserver) { new ResizeObserver(function () { chart.picture.resize(); }).observe(place); }
    });
  }

  document.addEventListener("qipan:theme", redraw);
  window.addEventListener("resize", function () { charts.forEach(function (chart) { chart.picture.resize(); }); });
  window.addEventListener("beforeprint", function () { printing = true; charts.forEach(function (chart) { chart.picture.resize(); draw(chart); }); });
  window.addEventListener("afterprint", function () { printing = false; charts.forEach(function (chart) { chart.picture.resize(); draw(chart); }); });
  if (document.readyState === "loading") { document.addEventListener("DOMContentLoaded", start); } else { start(); }

  window.qipanCharts = { palette: PALETTE };
})();
