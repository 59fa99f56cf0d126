/** Reads how much vector code a WebAssembly binary holds, from its code section. */

const CODE_SECTION = 10;
const V128 = 0x7b;

/**
 * Counts functions, and those among them that declare a local of the type v128.
 * @see https://webassembly.github.io/spec/core/binary/modules.html#code-section
 */
export function countVectorFunctions(bytes: Uint8Array): { readonly functions: number; readonly vector: number } {
  let at = 8;
  const readNumber = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  let functions = 0;
  let vector = 0;
  while (at < bytes.length) {
    const id = bytes[at++];
    const size = readNumber();
    const end = at + size;
    if (id === CODE_SECTION) {
      for (let left = readNumber(); left > 0; left--) {
        const bodySize = readNumber();
        const bodyEnd = at + bodySize;
        let declared = false;
        for (let groups = readNumber(); groups > 0; groups--) {
          readNumber();
          if (bytes[at++] === V128) declared = true;
        }
        functions++;
        if (declared) vector++;
        at = bodyEnd;
      }
    }
    at = end;
  }
  return { functions, vector };
}
