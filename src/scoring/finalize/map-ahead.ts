/** Work on a list whose results are needed in order, some of it started ahead of its turn. */

type Settled<U> = { readonly value: U } | { readonly error: unknown };

/** The results in order; `ahead` of them are made while the reader has an earlier one. */
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
    // A reader that stops early leaves no work running.
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
 * Like {@link mapAhead}, on other threads and here: `there` gets up to `ahead` values at once, and whenever the next result has not
 * arrived, one more is made `here` instead of waiting. So each side makes as many as it has time for.
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
  // Results that wait to be read count too, since they are held.
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

/** A pending result. */
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
