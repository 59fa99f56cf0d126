/** The contract of object stores: multipart uploads. */

import { describe, expect, it } from "vitest";
import { readBody } from "../../src/storage/read-body.ts";
import { catchCode, makeBytes, MIB, readAll, type StoreScene } from "./object-store-steps.ts";

const PART_BYTES = 5 * MIB;

/** Registers the tests of multipart uploads. */
export function describeUploads(scene: () => StoreScene): void {
  describe("multipart uploads", () => {
    it("joins the parts in order", async () => {
      const { store, prefix } = scene();
      const upload = await store.createMultipart(`${prefix}m`, { contentType: "text/csv" });
      const second = await upload.uploadPart(2, makeBytes(1000, 2));
      const first = await upload.uploadPart(1, makeBytes(PART_BYTES, 1));
      expect(await store.head(`${prefix}m`)).toBeNull();
      const { etag } = await upload.complete([first, second]);
      expect(await store.head(`${prefix}m`)).toEqual({ key: `${prefix}m`, size: PART_BYTES + 1000, etag });
      const tail = await store.get(`${prefix}m`, { range: { offset: PART_BYTES - 2, length: 4 }, ifMatch: etag });
      if (tail.kind !== "found") throw new Error(tail.kind);
      const edge = [...makeBytes(PART_BYTES, 1).subarray(-2), ...makeBytes(2, 2)];
      expect([...(await readBody(tail.body, 4))]).toEqual(edge);
    });

    it("is taken up again by its id", async () => {
      const { store, prefix } = scene();
      const { uploadId } = await store.createMultipart(`${prefix}m`);
      const part = await store.resumeMultipart(`${prefix}m`, uploadId).uploadPart(1, makeBytes(50));
      await store.resumeMultipart(`${prefix}m`, uploadId).complete([part]);
      expect(await readAll(store, `${prefix}m`)).toEqual(makeBytes(50));
    });

    it("joins the parts that two uploaded in turn", async () => {
      const { store, prefix } = scene();
      const one = await store.createMultipart(`${prefix}m`);
      const other = store.resumeMultipart(`${prefix}m`, one.uploadId);
      const first = await one.uploadPart(1, makeBytes(PART_BYTES, 1));
      await other.uploadPart(2, makeBytes(PART_BYTES, 2));
      const third = await one.uploadPart(3, makeBytes(7, 3));
      // The second once more, as after an answer that was lost.
      const second = await one.uploadPart(2, makeBytes(PART_BYTES, 2));
      await one.complete([first, second, third]);
      const whole = [makeBytes(PART_BYTES, 1), makeBytes(PART_BYTES, 2), makeBytes(7, 3)];
      expect(Buffer.compare((await readAll(store, `${prefix}m`))!, Buffer.concat(whole))).toBe(0);
    });

    it("keeps the last of two uploads of one part", async () => {
      const { store, prefix } = scene();
      const upload = await store.createMultipart(`${prefix}m`);
      await upload.uploadPart(1, makeBytes(50, 1));
      const again = await upload.uploadPart(1, makeBytes(60, 2));
      await upload.complete([again]);
      expect(await readAll(store, `${prefix}m`)).toEqual(makeBytes(60, 2));
    });

    it("leaves nothing after an abort, and aborts twice", async () => {
      const { store, prefix } = scene();
      const upload = await store.createMultipart(`${prefix}m`);
      const part = await upload.uploadPart(1, makeBytes(50));
      await upload.abort();
      await upload.abort();
      expect(await store.head(`${prefix}m`)).toBeNull();
      expect(["not_found", "validation_failed"]).toContain(await catchCode(upload.complete([part])));
      expect(await store.head(`${prefix}m`)).toBeNull();
    });

    it("refuses wrong parts", async () => {
      const { store, prefix } = scene();
      const upload = await store.createMultipart(`${prefix}m`);
      const first = await upload.uploadPart(1, makeBytes(50));
      const second = await upload.uploadPart(2, makeBytes(50));
      expect(await catchCode(upload.complete([{ ...first, etag: "0".repeat(32) }]))).toBe("validation_failed");
      expect(await catchCode(upload.complete([second, first]))).toBe("validation_failed");
      expect(await catchCode(upload.complete([]))).toBe("validation_failed");
      // The first part is smaller than 5 MiB.
      expect(await catchCode(upload.complete([first, second]))).toBe("validation_failed");
      expect(await catchCode(upload.uploadPart(0, makeBytes(1)))).toBe("validation_failed");
      expect(await catchCode(upload.uploadPart(10_001, makeBytes(1)))).toBe("validation_failed");
      expect(await store.head(`${prefix}m`)).toBeNull();
    });

    it("knows no upload that was never begun", async () => {
      const { store, prefix } = scene();
      const upload = store.resumeMultipart(`${prefix}m`, "never-begun");
      expect(["not_found", "validation_failed"]).toContain(await catchCode(upload.uploadPart(1, makeBytes(1))));
    });
  });
}
