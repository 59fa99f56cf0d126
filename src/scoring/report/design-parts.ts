/** The parts that console, report and contact sheet share: text, cards, tables, pills, tiles, charts. */

/** Heat of a table's cell, 0…9. At most half of the accent: text keeps a contrast above 4.5 in both schemes. */
const SHADES = Array.from(
  { length: 10 },
  (_, shade) =>
    `.shade-${shade}{background:color-mix(in srgb,var(--accent) ${(shade * 4.6).toFixed(0)}%,transparent)}` +
    (shade >= 1 ? `.shade-${shade} small{color:inherit}` : ""),
).join("");

const TEXT = `
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:400 var(--text-body)/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;-webkit-text-size-adjust:100%}
h1{font-size:var(--text-page);line-height:1.2;font-weight:680;letter-spacing:-.018em;margin:0}
h2{font-size:var(--text-part);line-height:1.3;font-weight:650;letter-spacing:-.01em;margin:0 0 var(--space-1)}
h3{font-size:var(--text-body);font-weight:650;margin:var(--space-5) 0 var(--space-1)}
p{margin:var(--space-2) 0;max-width:72ch}
small,.note,figcaption{font-size:var(--text-note)}
small,.quiet,figcaption{color:var(--quiet)}
a{color:var(--accent);text-underline-offset:2px;text-decoration-thickness:1px}
code,pre,kbd{font:.92em/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
code{overflow-wrap:anywhere}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
`;

const SURFACES = `
.card{background:var(--card);border:1px solid var(--line);border-radius:var(--radius);padding:var(--space-4) var(--space-5) var(--space-5);margin:0 0 var(--space-4)}
.card>p:first-of-type{margin-top:0}
.lead{font-size:var(--text-part);line-height:1.45;max-width:64ch}
.notice{border-left:3px solid var(--edge);padding:var(--space-1) var(--space-4);margin:var(--space-4) 0;color:var(--quiet)}
.notice p{margin:var(--space-1) 0;max-width:none}
.findings{list-style:none;margin:var(--space-3) 0 0;padding:0;display:grid;gap:var(--space-2)}
.findings li{display:grid;grid-template-columns:max-content 1fr;gap:var(--space-3);align-items:baseline;max-width:90ch}
.findings .pill{min-width:5.4em;text-align:center}
.alert{background:var(--bad-soft);border:1px solid color-mix(in srgb,var(--bad) 40%,transparent);border-radius:var(--radius);padding:var(--space-3) var(--space-4);margin:var(--space-4) 0;max-width:none}
.pill{display:inline-block;padding:1px 9px;border-radius:99px;font-size:var(--text-note);line-height:1.5;font-weight:600;letter-spacing:0;white-space:nowrap;background:var(--track);color:var(--text);vertical-align:middle}
.pill.tone-good{background:var(--good-soft);color:var(--good)}
.pill.tone-warn{background:var(--warn-soft);color:var(--warn)}
.pill.tone-bad{background:var(--bad-soft);color:var(--bad)}
.pill.tone-busy{background:var(--soft);color:var(--accent)}
.pill.tone-idle{color:var(--quiet)}
.label{display:inline-flex;align-items:center;gap:var(--space-2);font-weight:600;white-space:nowrap}
.dot{flex:none;width:10px;height:10px;border-radius:50%;background:var(--hue,var(--accent));display:inline-block}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(132px,1fr));gap:var(--space-4) var(--space-5);margin:var(--space-4) 0 0;padding:0}
.tile dt,.tile .note{color:var(--quiet);font-size:var(--text-note);display:block;font-weight:400}
.tile dd{margin:0}
.tile b{display:block;font-size:var(--text-page);line-height:1.25;font-weight:650;font-variant-numeric:tabular-nums;letter-spacing:-.015em}
`;

const TABLES = `
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
.caption{font-size:var(--text-note);color:var(--quiet);margin:var(--space-2) 0 0}
th,td{padding:var(--space-2);text-align:right;border-bottom:1px solid var(--line);vertical-align:baseline}
tbody tr:last-child>*{border-bottom:0}
th:first-child,td:first-child{text-align:left;padding-left:0}
thead th{font-weight:500;color:var(--quiet);font-size:var(--text-note);white-space:nowrap;vertical-align:bottom}
tbody th{font-weight:600;overflow-wrap:break-word;min-width:76px;max-width:260px}
.named tbody th{min-width:128px}
td small{display:block;white-space:nowrap;line-height:1.25}
.text td:not(:first-child),.text th:not(:first-child){text-align:left}
.text td{overflow-wrap:anywhere}
.scroll{overflow-x:auto;margin:var(--space-3) 0 0}
.heat{width:auto;border-spacing:2px;border-collapse:separate}
.heat td,.heat th{border:0;padding:var(--space-1) 6px}
.heat td{text-align:center;min-width:46px;border-radius:var(--radius-small)}
.heat tbody th,.heat td:first-child{text-align:left;padding-left:0}
.heat thead td{background:none}
.heat thead th{font-size:var(--text-note)}
.heat .number{text-align:right;color:var(--quiet)}
.hit-cell{font-weight:650;box-shadow:inset 0 0 0 1.5px var(--text)}
.pairs{display:grid;grid-template-columns:max-content 1fr;gap:var(--space-1) var(--space-5);margin:var(--space-3) 0 0}
.pairs dt{color:var(--quiet)}.pairs dd{margin:0;overflow-wrap:anywhere;min-width:0}
.columns{display:grid;grid-template-columns:minmax(0,55fr) minmax(0,45fr);gap:0 var(--space-6);align-items:start}
.tight td,.tight th{padding-block:5px}.tight td small{display:inline;margin-left:6px}
${SHADES}
`;

const CHARTS = `
.shares td,.shares th{border:0;padding:3px var(--space-2);vertical-align:middle}
.shares tr>:first-child{padding-left:0;min-width:0}
.shares .chart{width:99%;padding-inline:var(--space-3)}
.shares .figure{white-space:nowrap;font-weight:650}
.shares .figure small{font-weight:400}
svg.bar,svg.axis{display:block;width:100%;overflow:visible}
svg.bar{height:32px}svg.axis{height:20px}
.bar-fill{fill:var(--hue,var(--accent))}
.grid{stroke:var(--line);stroke-width:1}
.base{stroke:var(--edge);stroke-width:1}
.halo-line{stroke:var(--card);stroke-width:5}
.whisker{stroke:var(--text);stroke-width:2}
.corrected{stroke:var(--text);stroke-width:1.5;stroke-dasharray:2 3}
.corrected-mark{fill:var(--card);stroke:var(--text);stroke-width:1.5}
svg.axis text,svg.histogram text{fill:var(--quiet);font-size:12px}
.key{display:flex;flex-wrap:wrap;gap:var(--space-1) var(--space-5);font-size:var(--text-note);color:var(--quiet);margin:var(--space-2) 0 0;padding:0;list-style:none}
.key svg{width:34px;height:14px;vertical-align:-2px;margin-right:var(--space-2);overflow:visible}
figure{margin:var(--space-4) 0 0}
figcaption{margin-top:var(--space-1)}
svg.histogram{display:block;width:100%;overflow:visible}
.hit{fill:transparent}
svg.parts{display:block;width:100%;height:14px;margin-top:var(--space-3);border-radius:7px;background:var(--track)}
.tone-fill-main{fill:var(--accent)}.tone-fill-good{fill:var(--good)}.tone-fill-warn{fill:var(--warn)}.tone-fill-bad{fill:var(--bad)}.tone-fill-idle{fill:var(--idle)}
.legend{display:flex;flex-wrap:wrap;gap:var(--space-1) var(--space-5);list-style:none;padding:0;margin:var(--space-3) 0 0}
.legend svg{width:11px;height:11px;margin-right:6px;border-radius:3px}
details summary{cursor:pointer;margin-top:var(--space-3);font-weight:600;width:fit-content}
ul.plain{padding-left:20px;margin:var(--space-2) 0}
`;

const NARROW = `
@media (max-width:860px){.columns{grid-template-columns:minmax(0,1fr)}}
@media (max-width:640px){.tight td small{display:block;margin:0}.card{padding:var(--space-3) var(--space-4) var(--space-4)}.tiles{grid-template-columns:1fr 1fr;gap:var(--space-3)}
.pairs{grid-template-columns:1fr;gap:0}.pairs dd{margin-bottom:var(--space-2)}.shares .wide,.axis .minor{display:none}.shares .chart{padding-inline:var(--space-2)}
.findings li{grid-template-columns:1fr;gap:2px}.findings .pill{justify-self:start}}
`;

/** The style sheet of the shared parts; it needs the tokens. */
export const DESIGN_PARTS = `${TEXT}${SURFACES}${TABLES}${CHARTS}${NARROW}`;
