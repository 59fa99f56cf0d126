import { ScoringError } from "../../errors.ts";
import { createByteReader, type ByteReader } from "./byte-reader.ts";
import { COST, type Meter } from "./meter.ts";
import { buildInstance, callGlobal, checkGlobal } from "./pickle-globals.ts";
import { describeValue, isKind, type PickleDict, type PickleSequence, type PickleValue } from "./pickle-values.ts";

/** Turns a persistent id (a tuple) into a storage or a class name. */
export type ResolvePersistent = (id: PickleValue) => PickleValue;

/** One pickle read. */
export interface Unpickled {
  readonly value: PickleValue;
  /** First byte after STOP. */
  readonly end: number;
}

/** Made once: making one takes longer than most opcodes. Holds no state between calls. */
const DECODER = new TextDecoder();
const NAME_MAX_BYTES = 1024;
const INTEGER_MAX_BYTES = 64;

function invalid(detail: string): never {
  throw new ScoringError("checkpoint_invalid", detail);
}

function decodeText(bytes: Uint8Array, meter: Meter): string {
  meter.charge(2 * bytes.byteLength, "a string");
  return DECODER.decode(bytes);
}

/** Little-endian two's complement, as pickle's LONG1 and LONG4 write it. */
function decodeLong(bytes: Uint8Array): number | bigint {
  if (bytes.byteLength > INTEGER_MAX_BYTES) {
    throw new ScoringError("checkpoint_refused", `the pickle holds an integer of ${bytes.byteLength} bytes`);
  }
  let value = 0n;
  for (let at = bytes.byteLength - 1; at >= 0; at -= 1) value = (value << 8n) | BigInt(bytes[at] ?? 0);
  value = BigInt.asIntN(8 * bytes.byteLength, value);
  const small = Number(value);
  return Number.isSafeInteger(small) ? small : value;
}

/** The machine's memory: a stack with marks, and the memo. All of it is plain data. */
interface Machine {
  readonly reader: ByteReader;
  readonly meter: Meter;
  readonly resolve: ResolvePersistent;
  readonly stack: PickleValue[];
  readonly marks: number[];
  readonly memo: Map<number, PickleValue>;
}

function push(machine: Machine, value: PickleValue): void {
  if (machine.stack.length >= machine.meter.limits.maxStack) {
    throw new ScoringError("checkpoint_refused", `the pickle stacks more than ${machine.meter.limits.maxStack} values`);
  }
  machine.stack.push(value);
}

function pop(machine: Machine): PickleValue {
  const value = machine.stack.length > (machine.marks.at(-1) ?? 0) ? machine.stack.pop() : undefined;
  if (value === undefined) return invalid("the pickle takes a value from an empty stack");
  return value;
}

function peek(machine: Machine): PickleValue {
  const value = machine.stack.at(-1);
  if (value === undefined) return invalid("the pickle reads a value from an empty stack");
  return value;
}

function popMark(machine: Machine): PickleValue[] {
  const mark = machine.marks.pop();
  if (mark === undefined) return invalid("the pickle looks for a mark that it never set");
  return machine.stack.splice(mark);
}

function popCount(machine: Machine, count: number): PickleValue[] {
  const items: PickleValue[] = [];
  for (let index = 0; index < count; index += 1) items.unshift(pop(machine));
  return items;
}

function pushSequence(machine: Machine, kind: PickleSequence["kind"], items: PickleValue[]): void {
  machine.meter.charge(COST.container + COST.slot * items.length, `a ${kind}`);
  push(machine, { kind, items });
}

function setItems(machine: Machine, target: PickleDict, items: readonly PickleValue[]): void {
  if (items.length % 2 !== 0) invalid("the pickle sets a dict entry without a value");
  machine.meter.charge((COST.entry * items.length) / 2, "a dict");
  for (let index = 0; index < items.length; index += 2)
    target.entries.set(items[index] ?? null, items[index + 1] ?? null);
}

function setDictItems(machine: Machine, items: readonly PickleValue[]): void {
  const target = peek(machine);
  if (isKind(target, "dict")) setItems(machine, target, items);
  else if (isKind(target, "record")) setItems(machine, target.items, items);
  else invalid(`the pickle sets entries of ${describeValue(target)}`);
}

function appendItems(machine: Machine, items: readonly PickleValue[], kind: "list" | "set"): void {
  const target = peek(machine);
  machine.meter.charge(COST.slot * items.length, `a ${kind}`);
  // What a subclass of list holds is not needed; the values were charged when they were made.
  if (isKind(target, "record")) return;
  if (!isKind(target, kind)) return invalid(`the pickle appends to ${describeValue(target)}`);
  for (const item of items) target.items.push(item);
}

function pushDict(machine: Machine, items: readonly PickleValue[]): void {
  machine.meter.charge(COST.container, "a dict");
  const dict: PickleDict = { kind: "dict", entries: new Map() };
  push(machine, dict);
  setItems(machine, dict, items);
}

/** BUILD: sets the state of a record. The state of allowed containers (`_metadata` of a state_dict) is not needed. */
function build(machine: Machine): void {
  const state = pop(machine);
  const target = peek(machine);
  if (isKind(target, "record")) target.state = state;
  else if (
    !isKind(target, "dict") &&
    !isKind(target, "opaque") &&
    !isKind(target, "tensor") &&
    !isKind(target, "set")
  ) {
    throw new ScoringError("checkpoint_refused", `the pickle sets the state of ${describeValue(target)}`);
  }
}

function pushGlobal(machine: Machine, module: string, name: string): void {
  const full = checkGlobal(module, name);
  machine.meter.charge(COST.container, full);
  push(machine, { kind: "global", name: full });
}

function pushText(machine: Machine, bytes: Uint8Array): void {
  push(machine, decodeText(bytes, machine.meter));
}

/** Byte strings stay views of the file. */
function pushBytes(machine: Machine, bytes: Uint8Array): void {
  machine.meter.charge(COST.container, "a byte string");
  push(machine, bytes);
}

function memoize(machine: Machine, index: number): void {
  machine.meter.charge(COST.entry, "the memo");
  machine.memo.set(index, peek(machine));
}

function recall(machine: Machine, index: number): void {
  const value = machine.memo.get(index);
  if (value === undefined) return invalid(`the pickle recalls memo ${index}, which it never set`);
  push(machine, value);
}

/** Opcodes of protocols 2 to 5 that torch.save and Python's pickler write (PEP 307, 3154, 574). */
const OPCODES: Readonly<Record<number, (machine: Machine) => void>> = {
  0x80: ({ reader }) => {
    const protocol = reader.u8();
    if (protocol < 2 || protocol > 5) invalid(`the pickle is of protocol ${protocol}; 2 to 5 are read`);
  },
  0x95: ({ reader }) => void reader.u64(), // FRAME: only a hint
  0x28: ({ marks, stack, meter }) => {
    if (marks.length >= meter.limits.maxStack) {
      throw new ScoringError("checkpoint_refused", `the pickle sets more than ${meter.limits.maxStack} marks`);
    }
    marks.push(stack.length);
  },
  0x30: (machine) => {
    if (machine.marks.at(-1) === machine.stack.length) machine.marks.pop();
    else pop(machine);
  },
  0x31: (machine) => void popMark(machine),
  0x32: (machine) => push(machine, peek(machine)),
  0x4e: (machine) => push(machine, null),
  0x88: (machine) => push(machine, true),
  0x89: (machine) => push(machine, false),
  0x4a: (machine) => push(machine, machine.reader.i32()),
  0x4b: (machine) => push(machine, machine.reader.u8()),
  0x4d: (machine) => push(machine, machine.reader.u16()),
  0x8a: (machine) => push(machine, decodeLong(machine.reader.take(machine.reader.u8()))),
  0x8b: (machine) => push(machine, decodeLong(machine.reader.take(machine.reader.i32()))),
  0x47: (machine) => push(machine, machine.reader.f64BigEndian()),
  // Python 2 wrote text as such: SHORT_BINSTRING and BINSTRING are read as text.
  0x43: (machine) => pushBytes(machine, machine.reader.take(machine.reader.u8())),
  0x42: (machine) => pushBytes(machine, machine.reader.take(machine.reader.u32())),
  0x8e: (machine) => pushBytes(machine, machine.reader.take(machine.reader.u64())),
  0x96: (machine) => pushBytes(machine, machine.reader.take(machine.reader.u64())),
  0x55: (machine) => pushText(machine, machine.reader.take(machine.reader.u8())),
  0x54: (machine) => pushText(machine, machine.reader.take(machine.reader.i32())),
  0x8c: (machine) => pushText(machine, machine.reader.take(machine.reader.u8())),
  0x58: (machine) => pushText(machine, machine.reader.take(machine.reader.u32())),
  0x8d: (machine) => pushText(machine, machine.reader.take(machine.reader.u64())),
  0x5d: (machine) => pushSequence(machine, "list", []),
  0x6c: (machine) => pushSequence(machine, "list", popMark(machine)),
  0x61: (machine) => appendItems(machine, [pop(machine)], "list"),
  0x65: (machine) => appendItems(machine, popMark(machine), "list"),
  0x29: (machine) => pushSequence(machine, "tuple", []),
  0x74: (machine) => pushSequence(machine, "tuple", popMark(machine)),
  0x85: (machine) => pushSequence(machine, "tuple", popCount(machine, 1)),
  0x86: (machine) => pushSequence(machine, "tuple", popCount(machine, 2)),
  0x87: (machine) => pushSequence(machine, "tuple", popCount(machine, 3)),
  0x7d: (machine) => pushDict(machine, []),
  0x64: (machine) => pushDict(machine, popMark(machine)),
  0x73: (machine) => setDictItems(machine, popCount(machine, 2)),
  0x75: (machine) => setDictItems(machine, popMark(machine)),
  0x8f: (machine) => pushSequence(machine, "set", []),
  0x90: (machine) => appendItems(machine, popMark(machine), "set"),
  0x91: (machine) => pushSequence(machine, "set", popMark(machine)),
  0x63: (machine) => {
    const module = decodeText(machine.reader.line(NAME_MAX_BYTES), machine.meter);
    pushGlobal(machine, module, decodeText(machine.reader.line(NAME_MAX_BYTES), machine.meter));
  },
  0x93: (machine) => {
    const [module, name] = popCount(machine, 2);
    if (typeof module !== "string" || typeof name !== "string" || module.length + name.length > NAME_MAX_BYTES) {
      return invalid("the pickle names a class without a name");
    }
    return pushGlobal(machine, module, name);
  },
  0x52: (machine) => {
    const args = pop(machine);
    push(machine, callGlobal(pop(machine), args, machine.meter));
  },
  0x81: (machine) => {
    const args = pop(machine);
    push(machine, buildInstance(pop(machine), args, machine.meter));
  },
  0x92: (machine) => {
    pop(machine); // keyword arguments
    const args = pop(machine);
    push(machine, buildInstance(pop(machine), args, machine.meter));
  },
  0x62: build,
  0x51: (machine) => push(machine, machine.resolve(pop(machine))),
  0x68: (machine) => recall(machine, machine.reader.u8()),
  0x6a: (machine) => recall(machine, machine.reader.u32()),
  0x71: (machine) => memoize(machine, machine.reader.u8()),
  0x72: (machine) => memoize(machine, machine.reader.u32()),
  0x94: (machine) => memoize(machine, machine.memo.size),
};

/**
 * Reads one pickle from `start` to its STOP without running anything of it: calls outside the allow-list are refused,
 * unknown classes become inert records. Every opcode takes constant time or time in the values it consumes; the meter
 * bounds opcodes and memory, the stack is bounded, and nothing recurses.
 * @throws ScoringError `checkpoint_invalid`, `checkpoint_refused`
 */
export function unpickle(bytes: Uint8Array, start: number, meter: Meter, resolve: ResolvePersistent): Unpickled {
  const reader = createByteReader(bytes, start, "the pickle");
  const machine: Machine = { reader, meter, resolve, stack: [], marks: [], memo: new Map() };
  for (;;) {
    meter.step();
    const at = reader.offset;
    const opcode = reader.u8();
    if (opcode === 0x2e) return { value: pop(machine), end: reader.offset };
    const run = OPCODES[opcode];
    if (run === undefined) {
      throw new ScoringError(
        "checkpoint_refused",
        `the pickle has opcode 0x${opcode.toString(16).padStart(2, "0")} at byte ${at}, which is not read`,
      );
    }
    run(machine);
  }
}
