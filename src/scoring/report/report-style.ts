/** The style sheet of pages that are handed over as one file: a column on a phone, paper-white in print, dark where the system is. */

import { DESIGN_PARTS } from "./design-parts.ts";
import { DESIGN_TOKENS } from "./design-tokens.ts";

/** The whole sheet. */
export const REPORT_STYLE = `${DESIGN_TOKENS}${DESIGN_PARTS}
main{max-width:1080px;margin:0 auto;padding:var(--space-6) var(--space-5) var(--space-7)}
.head{margin:0 0 var(--space-4)}
.head p{margin:var(--space-1) 0 0}
footer{color:var(--quiet);font-size:var(--text-note);margin-top:var(--space-5)}
@media (max-width:640px){main{padding:var(--space-4) var(--space-3) var(--space-6)}}
@page{size:A4;margin:14mm}
@media print{body{font-size:9pt;line-height:1.4}main{max-width:none;padding:0}
.card{padding:0;border:0;border-top:1px solid var(--line);border-radius:0;padding-top:8px;margin:0 0 12px;break-inside:avoid}.card.long{break-inside:auto}
h1{font-size:16pt}h2{font-size:11.5pt}h2,h3{break-after:avoid}h3{font-size:9.5pt;margin-top:10px}.lead{font-size:10.5pt}small,.note,.caption,figcaption,.pill,.key,thead th,.legend{font-size:7.5pt}
.tile b{font-size:13pt}.tiles{margin-top:8px}tr,figure,.findings li{break-inside:avoid}th,td{padding:3px 5px}.shares td,.shares th{padding:1px 5px}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}.scroll{overflow:visible}.heat td,.heat th{min-width:0;padding:2px 4px;font-size:7.5pt}.columns{grid-template-columns:58fr 42fr;gap:0 16px}
.groups{font-size:7.5pt}svg.bar{height:24px}a{color:inherit;text-decoration:none}details::details-content{content-visibility:visible;height:auto}summary{display:none}}
`;
