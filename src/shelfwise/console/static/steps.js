// The steps of a period, of which the last one is still going on.

/** Steps that a chart shows, however few of them there is something to tell of. */
export const FEWEST_STEPS = 12;

/** Values without that of the step that goes on: its share or time is of too little yet. Unless there is no other. */
export function finished(values) {
  const known = values.with(-1, null);
  return known.some((value) => value !== null) ? known : values;
}
