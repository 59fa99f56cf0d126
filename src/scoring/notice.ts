/** The words that stand on every report. */

/** What the figures are, and the law on using them. Regulation (EU) 2024/1689, the AI Act. */
export const REPORT_NOTICE = {
  wording:
    "Labels name the apparent facial expression in a picture. They do not say what a person feels, thinks or intends, and no decision about a person should rest on them.",
  error:
    "The model errs, and it errs more on some expressions, pictures and people than on others. Its measured accuracy is part of this report.",
  law: [
    "In the EU, inferring emotions of people at work or in education is prohibited, except for medical or safety reasons (AI Act, Art. 5(1)(f)).",
    "Elsewhere in the EU, emotion recognition is a high-risk use (AI Act, Annex III), and the people exposed to it must be told (Art. 50(3)).",
  ],
} as const;
