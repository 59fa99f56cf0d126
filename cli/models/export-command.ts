import { defineCommand } from "citty";
import { formatModelId } from "../../src/model/card.ts";
import { exportOnnx } from "../../src/model/export/export-onnx.ts";
import { print } from "../remote/connection.ts";
import { findModelsFolder, openRegistry } from "../score/node-work.ts";
import { openOutput } from "../files.ts";

/** `countenance models export`: a model as an ONNX file. */
export const exportCommand = defineCommand({
  meta: { name: "export", description: "Write a model as an ONNX file: bytes of faces in, probabilities out" },
  args: {
    model: { type: "positional", description: "name@version, or a name for its newest", required: true },
    onnx: { type: "string", description: "File to write", required: true },
    models: { type: "string", description: "Folder of models of your own; default ./models, where it is" },
  },
  async run({ args }) {
    const registry = await openRegistry(await findModelsFolder(args.models));
    const model = await registry.load(args.model);
    const bytes = exportOnnx(model);
    const file = await openOutput(args.onnx);
    try {
      await file.writeFile(bytes);
    } finally {
      await file.close();
    }
    const { input, labels } = model.card;
    print(`${args.onnx}: ${formatModelId(model.card)}, ${bytes.length.toLocaleString("en")} bytes`);
    print(
      `  pixels         uint8 [N, ${input.color === "gray" ? 1 : 3}, ${input.size}, ${input.size}], ${input.color}`,
    );
    print(`  probabilities  float [N, ${labels.length}]: ${labels.join(", ")}`);
  },
});
