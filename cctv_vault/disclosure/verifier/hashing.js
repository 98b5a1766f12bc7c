// SHA-256 and CRC-32 of streams, SHA-512 and Ed25519 of small texts. Written here because a page
// that is opened over plain HTTP or in an older browser has no crypto.subtle, and because
// crypto.subtle hashes only what lies in memory whole.

// --- FIPS 180-4 constants: the first bits of the roots of the first primes ----------------------

function primes(count) {
  const found = [];
  for (let n = 2; found.length < count; n++) if (found.every((p) => n % p)) found.push(n);
  return found;
}

function rootBits(n, power, bits) {
  // floor(n ** (1 / power) * 2 ** bits), without the whole part's bits above `bits`.
  const target = BigInt(n) << BigInt(bits * power);
  let low = 0n, high = 1n << BigInt(bits + 5);
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** BigInt(power) <= target) low = middle; else high = middle;
  }
  return BigInt.asUintN(bits, low);
}

const PRIMES = primes(80);
const K256 = Int32Array.from(PRIMES.slice(0, 64), (p) => Number(rootBits(p, 3, 32)));
const H256 = Int32Array.from(PRIMES.slice(0, 8), (p) => Number(rootBits(p, 2, 32)));
const K512 = PRIMES.map((p) => rootBits(p, 3, 64));
const H512 = PRIMES.slice(0, 8).map((p) => rootBits(p, 2, 64));

// --- SHA-256, as the bytes come -----------------------------------------------------------------

class Sha256 {
  constructor() {
    this.state = Int32Array.from(H256);
    this.words = new Int32Array(64);
    this.rest = new Uint8Array(64);
    this.kept = 0;
    this.length = 0;
  }

  update(bytes) {
    this.length += bytes.length;
    let at = 0;
    if (this.kept) {
      at = Math.min(64 - this.kept, bytes.length);
      this.rest.set(bytes.subarray(0, at), this.kept);
      this.kept += at;
      if (this.kept < 64) return this;
      this.blocks(this.rest, 0, 64);
      this.kept = 0;
    }
    const whole = at + ((bytes.length - at) & ~63);
    this.blocks(bytes, at, whole);
    this.rest.set(bytes.subarray(whole));
    this.kept = bytes.length - whole;
    return this;
  }

  blocks(bytes, from, to) {
    const w = this.words, k = K256, s = this.state;
    let s0 = s[0], s1 = s[1], s2 = s[2], s3 = s[3], s4 = s[4], s5 = s[5], s6 = s[6], s7 = s[7];
    for (let at = from; at < to; at += 64) {
      for (let i = 0, j = at; i < 16; i++, j += 4) {
        w[i] = (bytes[j] << 24) | (bytes[j + 1] << 16) | (bytes[j + 2] << 8) | bytes[j + 3];
      }
      for (let i = 16; i < 64; i++) {
        const x = w[i - 15], y = w[i - 2];
        w[i] = (w[i - 16] + w[i - 7]
          + (((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3))
          + (((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10))) | 0;
      }
      let a = s0, b = s1, c = s2, d = s3, e = s4, f = s5, g = s6, h = s7;
      for (let i = 0; i < 64; i++) {
        const one = (h + k[i] + w[i] + (g ^ (e & (f ^ g)))
          + (((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7)))) | 0;
        const two = ((((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10)))
          + ((a & b) | (c & (a | b)))) | 0;
        h = g; g = f; f = e; e = (d + one) | 0;
        d = c; c = b; b = a; a = (one + two) | 0;
      }
      s0 = (s0 + a) | 0; s1 = (s1 + b) | 0; s2 = (s2 + c) | 0; s3 = (s3 + d) | 0;
      s4 = (s4 + e) | 0; s5 = (s5 + f) | 0; s6 = (s6 + g) | 0; s7 = (s7 + h) | 0;
    }
    s.set([s0, s1, s2, s3, s4, s5, s6, s7]);
  }

  digest() {
    const length = this.length;
    const tail = new Uint8Array(this.kept < 56 ? 64 : 128);
    tail.set(this.rest.subarray(0, this.kept));
    tail[this.kept] = 0x80;
    const view = new DataView(tail.buffer);
    view.setUint32(tail.length - 8, Math.floor(length / 0x20000000));
    view.setUint32(tail.length - 4, (length * 8) >>> 0);
    this.blocks(tail, 0, tail.length);
    const out = new DataView(new ArrayBuffer(32));
    this.state.forEach((word, i) => out.setInt32(4 * i, word));
    return new Uint8Array(out.buffer);
  }
}

function sha256(...parts) {
  const hash = new Sha256();
  for (const part of parts) hash.update(part);
  return hash.digest();
}

// --- CRC-32 (ISO 3309), eight bytes a step ------------------------------------------------------

const CRC_TABLES = (() => {
  const tables = [new Int32Array(256)];
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
    tables[0][n] = c;
  }
  for (let t = 1; t < 8; t++) {
    tables.push(tables[t - 1].map((c) => (c >>> 8) ^ tables[0][c & 255]));
  }
  return tables;
})();

function crc32(bytes, before = 0) {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = CRC_TABLES;
  let c = ~before, at = 0;
  for (const whole = bytes.length - 7; at < whole; at += 8) {
    c ^= bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    c = t7[c & 255] ^ t6[(c >>> 8) & 255] ^ t5[(c >>> 16) & 255] ^ t4[c >>> 24]
      ^ t3[bytes[at + 4]] ^ t2[bytes[at + 5]] ^ t1[bytes[at + 6]] ^ t0[bytes[at + 7]];
  }
  for (; at < bytes.length; at++) c = (c >>> 8) ^ t0[(c ^ bytes[at]) & 255];
  return ~c >>> 0;
}

// --- SHA-512 and Ed25519 (RFC 8032), for a few short texts --------------------------------------

function sha512(bytes) {
  const mask = (1n << 64n) - 1n;
  const turn = (x, n) => ((x >> n) | (x << (64n - n))) & mask;
  const padded = new Uint8Array((bytes.length + 17 + 127) & ~127);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(bytes.length) * 8n);
  const state = H512.slice();
  for (let at = 0; at < padded.length; at += 128) {
    const w = [];
    for (let i = 0; i < 16; i++) w.push(view.getBigUint64(at + 8 * i));
    for (let i = 16; i < 80; i++) {
      const x = w[i - 15], y = w[i - 2];
      w.push((w[i - 16] + w[i - 7] + (turn(x, 1n) ^ turn(x, 8n) ^ (x >> 7n))
        + (turn(y, 19n) ^ turn(y, 61n) ^ (y >> 6n))) & mask);
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 80; i++) {
      const one = h + K512[i] + w[i] + (g ^ (e & (f ^ g)))
        + (turn(e, 14n) ^ turn(e, 18n) ^ turn(e, 41n));
      const two = (turn(a, 28n) ^ turn(a, 34n) ^ turn(a, 39n)) + ((a & b) | (c & (a | b)));
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) & mask, c, b, a, (one + two) & mask];
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => { state[i] = (state[i] + word) & mask; });
  }
  const out = new DataView(new ArrayBuffer(64));
  state.forEach((word, i) => out.setBigUint64(8 * i, word));
  return new Uint8Array(out.buffer);
}

const P = 2n ** 255n - 19n;
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

function modulo(a, m = P) {
  const rest = a % m;
  return rest < 0n ? rest + m : rest;
}

function power(base, exponent) {
  let result = 1n;
  for (let b = modulo(base), e = exponent; e > 0n; e >>= 1n, b = (b * b) % P) {
    if (e & 1n) result = (result * b) % P;
  }
  return result;
}

const D = modulo(-121665n * power(121666n, P - 2n));
const ROOT_OF_MINUS_ONE = power(2n, (P - 1n) / 4n);

function littleEndian(bytes) {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
  return value;
}

function pointOf(bytes) {
  // RFC 8032, 5.1.3; null where the bytes are the encoding of no point.
  const encoded = littleEndian(bytes);
  const y = encoded & ((1n << 255n) - 1n), odd = encoded >> 255n;
  if (y >= P) return null;
  const u = modulo(y * y - 1n), v = modulo(D * y * y + 1n);
  let x = modulo(u * power(v, 3n) * power(u * power(v, 7n), (P - 5n) / 8n));
  const check = modulo(v * x * x);
  if (check === modulo(-u)) x = modulo(x * ROOT_OF_MINUS_ONE);
  else if (check !== u) return null;
  if (x === 0n && odd) return null;
  if ((x & 1n) !== odd) x = P - x;
  return [x, y, 1n, modulo(x * y)];
}

function sum(p, q) {
  const a = modulo((p[1] - p[0]) * (q[1] - q[0])), b = modulo((p[1] + p[0]) * (q[1] + q[0]));
  const c = modulo(2n * p[3] * q[3] * D), d = modulo(2n * p[2] * q[2]);
  const e = b - a, f = d - c, g = d + c, h = b + a;
  return [modulo(e * f), modulo(g * h), modulo(f * g), modulo(e * h)];
}

function times(point, scalar) {
  let result = [0n, 1n, 1n, 0n];
  for (let p = point, s = scalar; s > 0n; s >>= 1n, p = sum(p, p)) if (s & 1n) result = sum(result, p);
  return result;
}

const BASE_POINT = pointOf(Uint8Array.from({ length: 32 }, (_, i) => (i ? 0x66 : 0x58)));

function verifyEd25519Here(publicKey, signature, message) {
  const a = pointOf(publicKey), r = pointOf(signature.subarray(0, 32));
  const s = littleEndian(signature.subarray(32));
  if (signature.length !== 64 || !a || !r || s >= ORDER) return false;
  const joined = new Uint8Array(64 + message.length);
  joined.set(signature.subarray(0, 32));
  joined.set(publicKey, 32);
  joined.set(message, 64);
  const left = times(BASE_POINT, s);
  const right = sum(r, times(a, modulo(littleEndian(sha512(joined)), ORDER)));
  return modulo(left[0] * right[2]) === modulo(right[0] * left[2])
    && modulo(left[1] * right[2]) === modulo(right[1] * left[2]);
}

// Whether the signature is right, and who found that: the browser, or this page where it cannot.
async function verifyEd25519(publicKey, signature, message) {
  try {
    const key = await crypto.subtle.importKey("raw", publicKey, { name: "Ed25519" }, false, ["verify"]);
    return [await crypto.subtle.verify({ name: "Ed25519" }, key, signature, message), "by-browser"];
  } catch {
    // An older browser, or a page that came over plain HTTP.
    return [verifyEd25519Here(publicKey, signature, message), "by-page"];
  }
}
