/** Owns which numbers of JSON text survive being read: the reader makes 64-bit floats of them (RFC 8259, section 6). */

/** A number may be one that changes only where its digits are many, or it has an exponent. Also finds parts of strings. */
const longNumber = /[:[,]\s*-?(?:[\d.]{16,}|[\d.]+[eE])/;
/** Outside of its strings, which are seen whole, JSON has no digits but those of numbers. */
const stringOrNumber = /"[^"\\]*(?:\\[\s\S][^"\\]*)*(?:"|$)|-?\d[\d.eE+-]*/g;
const wellFormed = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
/** What JSON.parse reads as infinity, and every rule for numbers refuses. */
const outOfRange = "1e999";
/** So many digits tell any two 64-bit floats apart; some programs write always so many. */
const digitsOfFloat = 17;

/** @returns JSON text in which each number that reading would change is one that is out of range instead */
export function withoutInexactNumbers(text: string): string {
  if (!longNumber.test(text)) return text;
  return text.replaceAll(stringOrNumber, (token) => (token.startsWith('"') || isExact(token) ? token : outOfRange));
}

function isExact(token: string): boolean {
  const written = decimal(token);
  // What is no number of JSON stays for the reader to refuse.
  if (written === null) return true;
  const number = Number(token);
  if (!Number.isFinite(number)) return false;
  return written === decimal(String(number)) || written === decimal(number.toPrecision(digitsOfFloat));
}

/** @returns one text for each value; null for what is no number of JSON */
function decimal(token: string): string | null {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = wellFormed.exec(token) ?? [];
  if (whole === "") return null;
  const digits = whole + fraction;
  let [first, end] = [0, digits.length];
  while (digits[first] === "0") first += 1;
  while (end > first && digits[end - 1] === "0") end -= 1;
  // Zero has no sign that would mean anything.
  if (first === end) return "0";
  return `${sign}${digits.slice(first, end)}e${Number(exponent) - fraction.length + digits.length - end}`;
}
