/** Work on a list whose results are wanted in order, some of it begun before its turn. */

type Settled<U> = { readonly value: U } | { readonly error: unknown };

/** The values in order; `ahead` of them are made while the reader has an earlier one. */
export async function* mapAhead<T, U>(
  values: readonly T[],
  ahead: number,
  map: (value: T) => Promise<U>,
): AsyncGenerator<U> {
  const made: Promise<Settled<U>>[] = [];
  let next = 0;
  try {
    for (let index = 0; index < values.length; index++) {
      while (next < values.length && next < index + ahead) {
        made.push(settle(map(values[next]!)));
        next += 1;
      }
      const one = await made.shift()!;
      if ("error" in one) throw one.error;
      yield one.value;
    }
  } finally {
    // Whoever stops early leaves no read behind.
    await Promise.all(made);
  }
}

function settle<U>(making: Promise<U>): Promise<Settled<U>> {
  return making.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
}

/**
 * As {@link mapAhead}, on other threads and here: `there` gets up to `ahead` values at once, and whenever the next result is not
 * there yet, one more is made `here` instead of waiting. So each side makes as many as it has time for.
 */
export async function* mapShared<T, U>(
  values: readonly T[],
  ahead: number,
  there: (value: T) => Promise<U>,
  here: (value: T) => Promise<U>,
): AsyncGenerator<U> {
  const made: Making<U>[] = [];
  let next = 0;
  let away = 0;
  // What was made and waits to be read counts too: it is held.
  const mayBegin = (): boolean => next < values.length && made.length < 2 * ahead;
  const begin = (map: (value: T) => Promise<U>): Making<U> => {
    const one = watch(map(values[next++]!));
    made.push(one);
    return one;
  };
  async function send(): Promise<void> {
    away += 1;
    await begin(there).done;
    away -= 1;
  }
  async function takeFirst(): Promise<Settled<U>> {
    for (;;) {
      while (away < ahead && mayBegin()) void send();
      const first = made[0] ?? begin(here);
      if (first.result !== null) {
        made.shift();
        return first.result;
      }
      await (mayBegin() ? begin(here) : first).done;
    }
  }
  try {
    for (let read = 0; read < values.length; read++) {
      const one = await takeFirst();
      if ("error" in one) throw one.error;
      yield one.value;
    }
  } finally {
    await Promise.all(made.map(({ done }) => done));
  }
}

/** A result on its way. */
interface Making<U> {
  result: Settled<U> | null;
  /** Never rejects. */
  done: Promise<unknown>;
}

function watch<U>(making: Promise<U>): Making<U> {
  const one: Making<U> = { result: null, done: making };
  one.done = settle(making).then((result) => (one.result = result));
  return one;
}
