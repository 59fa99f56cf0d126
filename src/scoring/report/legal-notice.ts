/** The notices on every report. */

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

/** What is known to be wrong with FER2013 (Goodfellow et al., 2013), for reports on models that were measured on it. */
export const FER2013_NOTICE =
  "FER2013 was gathered by web search and labeled by few people, and people asked again agree with only about two thirds of its labels. Disgust is rare in it, many faces are posed, all are 48×48 pixels, gray and mostly frontal, and nobody knows how it is balanced by age, sex, skin or culture.";
