// Values: what they are, and how they are shown. A value is bytes; nothing in here makes markup of it.

export function fromBase64(text) {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

export function bytesOf(value) {
  return value.base64 === undefined ? new TextEncoder().encode(value.text) : fromBase64(value.base64);
}

/** The value of an answer of /v1: {text} or {base64}. */
export function valueOf(answer) {
  return answer.base64 === undefined ? { text: answer.value ?? '' } : { base64: answer.base64 };
}

/** One line for a row. */
export function preview(text) {
  return text.slice(0, 400).replace(/\s+/g, ' ').trim();
}

const JSON_DEPTH_MAX = 64;  // beyond it the text is mostly indentation

function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Indented JSON, or null if the text is no JSON object or list. Its words are those of the text: what was
 * parsed has lost digits of long numbers, and keys that come twice.
 */
export function prettyJson(text) {
  if (!/^\s*[[{]/.test(text) || !isJson(text)) return null;
  const words = text.match(/"(?:[^"\\]|\\.)*"|[[\]{}:,]|[^\s[\]{}:,"]+/g);
  const line = (depth) => `\n${'  '.repeat(depth)}`;
  let out = '';
  let depth = 0;
  let last = '';
  for (const word of words) {
    const closes = word === ']' || word === '}';
    const opened = last === '[' || last === '{';
    if (closes) depth -= 1;
    if (opened ? !closes : closes || last === ',') out += line(depth);
    out += word === ':' ? ': ' : word;
    if (word === '[' || word === '{') depth += 1;
    if (depth > JSON_DEPTH_MAX) return null;
    last = word;
  }
  return out;
}

const HEX_BYTES_MAX = 65536;

/** Lines of offset, bytes and what is printable of them. */
export function hexDump(bytes) {
  const lines = [];
  for (let at = 0; at < Math.min(bytes.length, HEX_BYTES_MAX); at += 16) {
    const row = Array.from(bytes.subarray(at, at + 16));
    const hex = row.map((b) => b.toString(16).padStart(2, '0'));
    const left = hex.slice(0, 8).join(' ').padEnd(23);
    const right = hex.slice(8).join(' ').padEnd(23);
    const text = row.map((b) => (b >= 32 && b < 127 ? String.fromCharCode(b) : '.')).join('');
    lines.push(`${at.toString(16).padStart(6, '0')}  ${left}  ${right}  ${text}`);
  }
  if (bytes.length > HEX_BYTES_MAX) lines.push(`… ${bytes.length - HEX_BYTES_MAX} bytes more`);
  return lines.join('\n');
}

export function sizeText(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
