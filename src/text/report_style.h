// The style sheet of report.html.
#pragma once

namespace tome {

inline constexpr const char* kReportStyle = R"css(
:root { color-scheme: light dark; --ink: #1d2329; --soft: #5a6570; --page: #ffffff; --card: #f6f7f9; --line: #d9dee3;
  --c0: #0b62c4; --c1: #b3470b; --c2: #1f7a3d; --c3: #7b3fb5; --c4: #a3153f; --c5: #5f6b00; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ec; --soft: #9aa5b0; --page: #14181c; --card: #1c2228; --line: #343c45;
    --c0: #6db1ff; --c1: #ff9f5a; --c2: #6fd08c; --c3: #c9a0f5; --c4: #ff8fa8; --c5: #d3dd6a; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 68rem; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
h1 { margin: 0 0 .25rem; font-size: 1.6rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 0; font-size: 1.1rem; }
section > h2 { margin: 2rem 0 .5rem; font-size: 1.25rem; }
h3 { margin: 1.25rem 0 .25rem; font-size: 1rem; font-weight: 600; white-space: pre-wrap; overflow-wrap: anywhere; }
.lead, .unit, figcaption, caption, summary { color: var(--soft); font-size: .875rem; }
.lead { margin: 0 0 1.25rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; margin: 0 0 1.5rem; }
.facts div { display: flex; flex-direction: column; justify-content: space-between; padding: .6rem .8rem; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
.facts dt { color: var(--soft); font-size: .8rem; }
.facts dd { margin: 0; font-size: 1.15rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 1rem;
  align-items: start; }
figure { margin: 0; padding: .9rem 1rem; background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  min-width: 0; }
.unit { margin: 0 0 .25rem; display: flex; flex-wrap: wrap; gap: 0 1rem; }
.key::before { content: ""; display: inline-block; width: 1.4rem; margin-right: .4rem; vertical-align: middle;
  border-top: 2.5px solid var(--key); }
.key.c1::before { border-top-style: dashed; }
.key.c2::before { border-top-style: dotted; }
.charts figure { max-width: 38rem; }
figure h3 { margin-top: 0; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
svg .x { text-anchor: middle; }
svg .y { text-anchor: end; }
.grid { stroke: var(--line); fill: none; }
.axis { stroke: var(--soft); fill: none; }
.curve path { fill: none; stroke: var(--key); stroke-width: 1.8; stroke-linejoin: round; }
.curve circle { fill: var(--key); }
.curve.c1 path { stroke-dasharray: 6 4; }
.curve.c2 path { stroke-dasharray: 2 3; }
rect.bar { fill: var(--c0); }
.curve .bar { stroke-width: 1.2; stroke-dasharray: none; }
.curve.c3 path, .curve.c4 path, .curve.c5 path { stroke-dasharray: 9 3 2 3; }
.c0 { --key: var(--c0); } .c1 { --key: var(--c1); } .c2 { --key: var(--c2); }
.c3 { --key: var(--c3); } .c4 { --key: var(--c4); } .c5 { --key: var(--c5); }
figcaption { margin: .35rem 0 0; }
details { margin-top: .4rem; }
summary { cursor: pointer; }
.scroll { max-height: 20rem; overflow: auto; display: flex; flex-wrap: wrap; gap: 0 2rem; align-items: flex-start; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .875rem; }
caption { text-align: left; padding: .4rem 0; }
th, td { padding: .2rem .75rem .2rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
.scroll td, .scroll th { text-align: right; padding: .2rem 0 .2rem 1rem; }
.wide-scroll { overflow-x: auto; margin: .75rem 0; }
.scores td, .scores th { text-align: right; white-space: nowrap; padding: .25rem .6rem; }
.scores th:first-child, .scores th:first-child + td:not([style]), .words th { text-align: left; }
.words th { font-weight: 500; min-width: 12rem; }
.words td { overflow-wrap: anywhere; min-width: 8rem; }
.wide { width: 100%; }
.wide th { white-space: nowrap; font-weight: 500; }
.wide td { width: 100%; white-space: pre-wrap; overflow-wrap: anywhere; }
.wide .wanted, .wide .none { color: var(--soft); }
@media (max-width: 32rem) {
  svg text { font-size: 15px; }
}
@media print {
  :root { color-scheme: light; --ink: #000; --soft: #444; --page: #fff; --card: #fff; --line: #bbb; --c0: #0b62c4;
    --c1: #b3470b; --c2: #1f7a3d; }
  body { max-width: none; padding: 0; font-size: 9pt; }
  .charts { grid-template-columns: 1fr 1fr; }
  figure { padding: .5rem .6rem; }
  figure, tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  details { display: none; }
}
)css";

}  // namespace tome
