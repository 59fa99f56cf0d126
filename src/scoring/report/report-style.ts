/** The report's style sheet: one column on a phone, paper-white in print, dark where the reader's system is. */

const LIGHT = `
--page:#f6f7f9;--card:#fff;--text:#17202b;--quiet:#55606e;--line:#dde2e8;--track:#e9edf2;--fill:#2f6fb5;--whisker:#0d2440;
--corrected:#a8480a;--good:#1d7a46;--warn:#a15c00;--bad:#b3261e;--idle:#8a94a1;--pill:#e3ecf7;--pill-text:#1b4878;
--notice:#fff6e5;--notice-line:#e0b15a;--shade:47,111,181;`;

const DARK = `
--page:#11161c;--card:#1a2129;--text:#e6ebf1;--quiet:#a3aebb;--line:#313b46;--track:#2a333d;--fill:#5b9be0;--whisker:#f2f6fb;
--corrected:#ffad66;--good:#56c287;--warn:#f0b04a;--bad:#ff8a80;--idle:#7b8794;--pill:#22384f;--pill-text:#b9d7f7;
--notice:#2b2417;--notice-line:#8a6a2c;--shade:91,155,224;`;

// At most half of the fill: text keeps a contrast above 4.5 on every shade, in both schemes.
const SHADES = Array.from(
  { length: 10 },
  (_, shade) =>
    `.shade-${shade}{background:rgba(var(--shade),${(shade * 0.055).toFixed(3)})}` +
    (shade >= 1 ? `.shade-${shade} small{color:inherit}` : ""),
).join("");

/** The whole sheet. */
export const REPORT_STYLE = `
:root{color-scheme:light dark;${LIGHT}}
@media (prefers-color-scheme:dark){:root{${DARK}}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:980px;margin:0 auto;padding:28px 20px 48px}
header h1{font-size:1.75rem;line-height:1.2;margin:0 0 4px;letter-spacing:-.01em}
header p{margin:0 0 6px}
.quiet,small,figcaption{color:var(--quiet)}
.pill{display:inline-block;padding:1px 10px;border-radius:99px;background:var(--pill);color:var(--pill-text);font-size:.85rem;font-weight:600;vertical-align:3px;margin-left:6px}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:20px 22px;margin:16px 0}
h2{font-size:1.15rem;margin:0 0 4px}
h3{font-size:1rem;margin:20px 0 6px}
section>p:first-of-type{margin-top:0}
p{max-width:72ch}
.lead{font-size:1.1rem}
.notice{background:var(--notice);border:1px solid var(--notice-line);border-radius:10px;padding:12px 18px;margin:16px 0}
.notice p{margin:4px 0;max-width:none}
.alert{border-left:5px solid var(--bad)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));gap:12px;margin:16px 0;padding:0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 16px}
.tile b{display:block;font-size:1.5rem;line-height:1.25;font-variant-numeric:tabular-nums;letter-spacing:-.01em}
.tile span{color:var(--quiet);font-size:.85rem;display:block}
.bars{display:grid;grid-template-columns:minmax(72px,max-content) 1fr max-content;column-gap:12px;align-items:center;margin:14px 0 4px}
.bar-label{font-weight:600}
.bar-note{font-variant-numeric:tabular-nums;text-align:right;font-size:.9rem;line-height:1.25}
.bar-note small{display:block}
.bar-cell{padding:3px 0}
svg.bar{display:block;width:100%;height:34px;overflow:visible}
.track{fill:var(--track)}.fill{fill:var(--fill)}
.whisker{stroke:var(--whisker);stroke-width:2}
.corrected{stroke:var(--corrected);stroke-width:2}
.corrected-mark{fill:var(--corrected);stroke:var(--card);stroke-width:1}
.key{display:flex;flex-wrap:wrap;gap:4px 18px;font-size:.85rem;color:var(--quiet);margin:6px 0 0;padding:0;list-style:none}
.key svg{width:34px;height:14px;vertical-align:-2px;margin-right:5px;overflow:visible}
.axis{position:relative;height:1.5em;font-size:.78rem;color:var(--quiet)}
.axis span{position:absolute;transform:translateX(-50%);white-space:nowrap}
.axis .start{transform:none}.axis .end{transform:translateX(-100%)}
figure{margin:14px 0 0}
figcaption{font-size:.85rem;margin-top:4px}
svg.histogram{display:block;width:100%;overflow:visible}
svg.histogram text{fill:var(--quiet);font-size:12px}
.base{stroke:var(--quiet)}
.hit{fill:transparent}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:.9rem}
.caption{font-size:.85rem;color:var(--quiet);margin:6px 0 0}
th,td{padding:6px 10px;text-align:right;border-bottom:1px solid var(--line);vertical-align:baseline}
th:first-child,td:first-child{text-align:left;padding-left:0}
thead th{font-weight:600;color:var(--quiet);font-size:.82rem;white-space:nowrap}
tbody th{font-weight:600;overflow-wrap:break-word;min-width:76px;max-width:260px}
.named tbody th{min-width:128px}
td small{display:block;white-space:nowrap}
.text td:not(:first-child),.text th:not(:first-child){text-align:left}
.text td{overflow-wrap:anywhere}
.scroll{overflow-x:auto;margin:10px 0 0}
.scroll:focus-visible{outline:2px solid var(--fill)}
.groups tbody th{min-width:96px}
.matrix{width:auto}
.matrix td,.matrix th{text-align:center;border:1px solid var(--line);min-width:66px;padding:5px 6px}
.matrix tbody th,.matrix td:first-child{text-align:left;padding-left:6px}
.matrix thead td{border:0}
.matrix .number{text-align:right}
.hit-cell{outline:2px solid var(--text);outline-offset:-2px}
.parts{display:flex;height:22px;border-radius:4px;overflow:hidden;background:var(--track);gap:1px;margin-top:12px}
.parts span{display:block;min-width:2px}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;list-style:none;padding:0;margin:10px 0 0;font-size:.9rem}
.legend i{display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:6px}
.tone-good{background:var(--good)}.tone-warn{background:var(--warn)}.tone-bad{background:var(--bad)}.tone-idle{background:var(--idle)}.tone-main{background:var(--fill)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 18px;margin:12px 0 0}
dt{color:var(--quiet)}dd{margin:0;overflow-wrap:anywhere}
code{font:.88em/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.findings{padding-left:20px;margin:8px 0}
details summary{cursor:pointer;margin-top:14px;font-weight:600}
ul.plain{padding-left:20px;margin:8px 0}
footer{color:var(--quiet);font-size:.85rem;margin-top:20px}
${SHADES}
@media (max-width:600px){main{padding:16px 12px 32px}section{padding:16px 14px}header h1{font-size:1.4rem}.tiles{grid-template-columns:1fr 1fr;gap:8px}.tile{padding:10px 12px}.tile b{font-size:1.25rem}
.bars{column-gap:8px}.bar-note{font-size:.82rem}th,td{padding:6px 7px}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:8px}}
@media print{:root{color-scheme:light;${LIGHT}--page:#fff}body{font-size:10.5pt}main{max-width:none;padding:0}section,.tile,.notice{break-inside:avoid}section.long{break-inside:auto}tr{break-inside:avoid}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}.scroll{overflow:visible}.matrix td,.matrix th{min-width:0;padding:3px 4px;font-size:8.5pt}.groups{font-size:8pt}.groups th,.groups td{padding:3px 4px}a{color:inherit;text-decoration:none}}
`;
