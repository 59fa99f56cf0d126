/** One spelling, American, in comments and documents. Values that are stored, sent or printed as data keep theirs. */

/** British spellings by pattern. Verbs in -ise are a list, since "promise" and "raise" are right; brackets keep this file out of its own reach. */
const BRITISH = new RegExp(
  String.raw`\b(?:` +
    [
      String.raw`(?:final|normal|summar|quant|neutral|vector|virtual|optim|minim|maxim|serial|recogn|organ|initial|standard|character|categor)is(?:e[ds]?|er|ers|ing|ations?)`,
      String.raw`gr[e]y(?:s|ed|scale)?`,
      String.raw`col[o]ur(?:s|ed|ing)?`,
      String.raw`(?:behavi|neighb|fav|hon|lab|vap)[o]ur\w*`,
      String.raw`cent[r]e[ds]?`,
      String.raw`(?:label|cancel|model|travel|signal|total|tunnel)l(?:ed|ing)`,
      String.raw`(?:licen|defen|offen)[c]e`,
      String.raw`(?:analy|cataly)s(?:e|ed|ing)`,
      String.raw`artef[a]cts?|judg[e]ment|fulfi[l]s?|learn[t]|missp[e]lt|towar[d]s|whils[t]|catalogu[e]s?|dialogu[e]s?`,
    ].join("|") +
    String.raw`)\b`,
  "gi",
);

/** Leaves out what is right in spite of the list: what stands in code marks or quotes, and names of files. */
function stripData(text: string): string {
  return text
    .replaceAll(/```[\s\S]*?```/g, (code) => code.replaceAll(/[^\n]/g, " "))
    .replaceAll(/`[^`\n]*`|"[^"\n]*"/g, "")
    .replaceAll(/[\w./-]+\.(?:png|jpe?g|json|ts|py|md|csv)\b/g, "");
}

/** `path:line: word` of each British word of a text. */
export function findBritish(path: string, text: string): string[] {
  return stripData(text)
    .split("\n")
    .flatMap((line, index) => [...line.matchAll(BRITISH)].map(([word]) => `${path}:${index + 1}: ${word}`));
}

/** The comments of a program, each in its line, without its code. */
export function readComments(program: string): string {
  let comments = "";
  let at = 0;
  for (const { 0: comment, index } of program.matchAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/[^\n]*/g)) {
    comments += program.slice(at, index).replaceAll(/[^\n]/g, "") + comment;
    at = index + comment.length;
  }
  return comments;
}
