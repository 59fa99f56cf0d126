/** The console's one worker, so that its engines are bundled once; its name says whom it serves. */

import { answerWork } from "../compute/answer-work.ts";
import { answerPictures } from "../try/answer-pictures.ts";

if (self.name === "scoring") answerPictures();
else answerWork();
