// Two texts line by line: what is the same, what was taken away, what was added.

/**
 * The shortest way from one text to the other.
 * @param {string} before
 * @param {string} after
 * @returns {Array<{kind: "same"|"gone"|"new", line: string}>}
 */
export function differences(before, after) {
  const [a, b] = [linesOf(before), linesOf(after)];
  // Longest common subsequence; rules are some hundreds of lines.
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      lengths[i][j] = a[i] === b[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const found = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      found.push({ kind: "same", line: a[i] });
      i += 1;
      j += 1;
    } else if (i < a.length && (j === b.length || lengths[i + 1][j] >= lengths[i][j + 1])) {
      found.push({ kind: "gone", line: a[i] });
      i += 1;
    } else {
      found.push({ kind: "new", line: b[j] });
      j += 1;
    }
  }
  return found;
}

const linesOf = (text) => (text ? text.replace(/\n$/, "").split("\n") : []);
