// Packages under a passphrase (storage/FORMAT.md): opened as they are read, a segment at a time, with
// the PBKDF2, HKDF and AES-GCM of the browser. What is opened reads like a file, so that everything
// else need not know.

class WrongPassphrase extends Error {}

const FORM = RULES.locked;
const MAGIC = utf8.encode(FORM.magic);
const PREAMBLE = MAGIC.length + 4 + 16;
const FIRST_PLAIN = FORM.segment - FORM.header - FORM.tag;
const FULL_PLAIN = FORM.segment - FORM.tag;

const canUnlock = () => Boolean(globalThis.crypto?.subtle);

async function isLocked(file) {
  return file.size >= MAGIC.length && same(await cutOut(file, 0, MAGIC.length), MAGIC);
}

// As a person may type it: no spaces, no hyphens, in capitals.
function passphraseBytes(text) {
  const whole = [...text].slice(0, 64).join("").toUpperCase();
  return utf8.encode(whole.split(SPACE).join("").replaceAll("-", ""));
}

async function streamKey(passphrase, preamble, header) {
  const { subtle } = crypto, hash = "SHA-256";
  const iterations = new DataView(preamble.buffer).getUint32(MAGIC.length);
  const [fewest, most] = FORM.rounds;
  if (iterations < fewest || iterations > most) throw new WrongPassphrase();
  const secret = await subtle.importKey("raw", passphraseBytes(passphrase), "PBKDF2", false, ["deriveBits"]);
  const bits = await subtle.deriveBits(
    { name: "PBKDF2", hash, salt: preamble.slice(-16), iterations }, secret, 256);
  const material = await subtle.importKey("raw", bits, "HKDF", false, ["deriveKey"]);
  return subtle.deriveKey(
    { name: "HKDF", hash, salt: header.slice(1, 1 + FORM.salt), info: preamble }, material,
    { name: "AES-GCM", length: 256 }, false, ["decrypt"]);
}

class Unlocked {
  constructor(file, key, prefix, ciphertext, segments) {
    Object.assign(this, { file, key, prefix, ciphertext, segments });
    this.size = ciphertext - FORM.header - segments * FORM.tag;
    this.kept = { index: -1 };
  }

  // As of a file: a piece whose bytes are made when they are asked for.
  slice(from, to) {
    return { arrayBuffer: () => this.bytes(from, Math.min(to, this.size)) };
  }

  async bytes(from, to) {
    const out = new Uint8Array(Math.max(0, to - from));
    for (let at = from; at < to;) {
      const first = at < FIRST_PLAIN;
      const index = first ? 0 : 1 + Math.floor((at - FIRST_PLAIN) / FULL_PLAIN);
      const place = first ? at : (at - FIRST_PLAIN) % FULL_PLAIN;
      const piece = (await this.segment(index)).subarray(place, place + to - at);
      out.set(piece, at - from);
      at += piece.length;
    }
    return out.buffer;
  }

  async segment(index) {
    if (this.kept.index === index) return this.kept.bytes;
    const start = index * FORM.segment;
    const sealed = await cutOut(
      this.file, PREAMBLE + start, Math.min(FORM.segment, this.ciphertext - start));
    const iv = new Uint8Array(12);
    iv.set(this.prefix);
    new DataView(iv.buffer).setUint32(7, index);
    iv[11] = Number(index === this.segments - 1);
    const box = index ? sealed : sealed.subarray(FORM.header);
    const bytes = new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, this.key, box));
    this.kept = { index, bytes };
    return bytes;
  }
}

// The package inside, as a file; its first and last segment have been tried.
async function unlock(file, passphrase) {
  const ciphertext = file.size - PREAMBLE;
  const segments = Math.ceil(ciphertext / FORM.segment);
  const plain = ciphertext - FORM.header - segments * FORM.tag;
  const whole = plain >= 0 && segments === (
    plain <= FIRST_PLAIN ? 1 : 1 + Math.ceil((plain - FIRST_PLAIN) / FULL_PLAIN));
  if (!whole) throw new WrongPassphrase();
  const preamble = await cutOut(file, 0, PREAMBLE);
  const header = await cutOut(file, PREAMBLE, FORM.header);
  if (header[0] !== FORM.header) throw new WrongPassphrase();
  try {
    const key = await streamKey(passphrase, preamble, header);
    const opened = new Unlocked(file, key, header.slice(1 + FORM.salt), ciphertext, segments);
    await opened.segment(segments - 1);
    await opened.segment(0);
    return opened;
  } catch {
    throw new WrongPassphrase();
  }
}
