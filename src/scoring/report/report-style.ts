/** The style sheet of pages that are handed over as one file: a column on a phone, paper-white in print, dark where the system is. */

import { DESIGN_PARTS } from "./design-parts.ts";
import { DESIGN_TOKENS } from "./design-tokens.ts";

/** The whole sheet. */
export const REPORT_STYLE = `${DESIGN_TOKENS}${DESIGN_PARTS}
main{max-width:1080px;margin:0 auto;padding:var(--space-6) var(--space-5) var(--space-7)}
.head{margin:0 0 var(--space-4)}
.head p{margin:var(--space-1) 0 0}
.examples{display:grid;grid-template-columns:max-content 1fr;gap:var(--space-2) var(--space-4);align-items:center;margin:var(--space-3) 0 0}
.examples dd{margin:0;display:flex;flex-wrap:wrap;gap:var(--space-2)}.examples img{border-radius:var(--radius-small);display:block}
footer{color:var(--quiet);font-size:var(--text-note);margin-top:var(--space-5)}
@media (max-width:640px){main{padding:var(--space-4) var(--space-3) var(--space-6)}}
@page{size:A4;margin:12mm}
@media print{body{font-size:8.5pt;line-height:1.28}main{max-width:none;padding:0}p,.lead,.findings li{max-width:none}p{margin:3px 0}
.card{padding:0;border:0;border-top:1px solid var(--line);border-radius:0;padding-top:5px;margin:0 0 6px;break-inside:avoid}.card.long{break-inside:auto}
h1{font-size:15pt}h2{font-size:11pt;margin:0}h2,h3{break-after:avoid}h3{font-size:9pt;margin-top:6px}.lead{font-size:9.5pt}small,.note,.caption,figcaption,.pill,.key,thead th,.legend,ul.plain.quiet,.pairs,.notice,footer{font-size:7.2pt}
.notice{margin:6px 0}.tile b{font-size:12pt}.tiles{margin-top:4px;gap:4px 16px}tr,figure,.findings li,.columns{break-inside:avoid}th,td{padding:1px 5px}.shares td,.shares th{padding:0 5px}.scroll,figure,.pairs{margin-top:4px}.pairs{gap:1px 16px}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}.scroll{overflow:visible}.heat td,.heat th{min-width:0;padding:2px 4px;font-size:7.2pt}.columns{grid-template-columns:58fr 42fr;gap:0 16px}.tight td,.tight th{padding-block:2px}
.examples{grid-template-columns:repeat(2,max-content 1fr);gap:3px 10px}.examples dd{gap:3px;flex-wrap:nowrap}.examples img{width:11mm;height:11mm}
.groups{font-size:7.2pt}svg.bar{height:22px}svg.histogram{zoom:.55}a{color:inherit;text-decoration:none}footer{margin-top:8px}details::details-content{content-visibility:visible;height:auto}summary{display:none}}
`;
