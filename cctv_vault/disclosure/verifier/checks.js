// The judgement: the same checks in the same order as verification.py, with the same findings.
// RULES comes from there: sentences, limits and the names of events and files.

class Faulty extends Error {}

const { files: NAMED, events: EVENTS } = RULES;
const MICROSECONDS = Object.fromEntries(
  ["keyframe", "lastPicture", "frameEarly", "zipTick"].map((name) => [name, BigInt(RULES.limits[name])]),
);

// --- text, numbers, times -----------------------------------------------------------------------

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

function fromBase64(text) {
  try {
    const binary = atob(text);
    if (btoa(binary) !== text) return null; // not the only spelling of these bytes
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}

const isHex = (value) => typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
const wellFormed = (text) => !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);
const isShort = (value) => typeof value === "string" && wellFormed(value) && [...value].length <= 1024;

// Microseconds since 1970, or null where it is not a time in the one form of records.
function moment(text) {
  const found = typeof text === "string"
    && /^([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{6}))?Z$/.exec(text);
  if (!found) return null;
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map(Number);
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  if (year < 1970 || year >= 9000 || hour > 23 || minute > 59 || second > 59
    || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  return BigInt(date.getTime()) * 1000n + BigInt(found[7] ?? 0);
}

// --- signed notes, checkpoints, proofs (c2sp.org) -----------------------------------------------

const SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

function checkKeyName(name) {
  if (!name || name.includes("+") || SPACE.test(name) || /[\x00-\x1f]/.test(name)) {
    throw new Faulty("a key's name");
  }
}

function readKey(line) {
  const found = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(line);
  if (!found) throw new Faulty("must read name+hex key id+base64 key");
  const [, name, id, encoded] = found;
  const key = fromBase64(encoded);
  if (!key || key[0] !== 1) throw new Faulty("not an Ed25519 key");
  checkKeyName(name);
  if (key.length !== 33) throw new Faulty("an Ed25519 key has 32 bytes");
  const computed = hex(sha256(utf8.encode(`${name}\n`), key).subarray(0, 4));
  if (computed !== id) throw new Faulty("its key id is not the one of its name and key");
  return { name, id, line, publicKey: key.subarray(1) };
}

async function openNote(note, key) {
  if ([...note].length > 1000000) throw new Faulty("too long");
  if (/[\x00-\x09\x0b-\x1f]/.test(note)) throw new Faulty("a control character");
  const blank = note.lastIndexOf("\n\n");
  if (blank < 0 || !note.endsWith("\n") || blank + 2 >= note.length) throw new Faulty("no note");
  const text = note.slice(0, blank + 1);
  const lines = note.slice(blank + 2, -1).split("\n");
  if (lines.length > 100) throw new Faulty("too many signatures");
  let signed = "";
  for (const line of lines) {
    const found = /^\u2014 ([^ ]+) (.+)$/.exec(line);
    if (!found) throw new Faulty("a signature line");
    checkKeyName(found[1]);
    const data = fromBase64(found[2]);
    if (!data || data.length <= 4) throw new Faulty("a signature line");
    if (found[1] !== key.name || hex(data.subarray(0, 4)) !== key.id) continue;
    const [right, by] = await verifyEd25519(key.publicKey, data.subarray(4), utf8.encode(text));
    if (!right) throw new Faulty("the signature is not this key's of this text");
    signed = by;
  }
  if (!signed) throw new Faulty("the package's key has not signed it");
  return [text, signed];
}

function readCount(text) {
  if (!/^(0|[1-9][0-9]{0,18})$/.test(text) || BigInt(text) >= 1n << 63n) throw new Faulty("a number");
  return BigInt(text);
}

async function openCheckpoint(note, key) {
  const [text] = await openNote(note, key);
  const lines = text.split("\n");
  if (lines.length !== 4 || lines[3]) throw new Faulty("must be three lines: origin, size, root");
  const root = fromBase64(lines[2]);
  if (!root || root.length !== 32) throw new Faulty("its root");
  checkKeyName(lines[0]);
  const size = readCount(lines[1]);
  if (size === 0n && !same(root, sha256())) throw new Faulty("its root");
  if (lines[0] !== key.name) throw new Faulty("not signed by the log itself");
  return { origin: lines[0], size, root };
}

function readProof(text) {
  const blank = text.indexOf("\n\n");
  if (blank < 0 || blank + 2 >= text.length || [...text].length > 2000000) throw new Faulty("no proof");
  const lines = text.slice(0, blank).split("\n");
  if (lines.shift() !== "c2sp.org/tlog-proof@v1") throw new Faulty("no proof of version 1");
  if (lines[0]?.startsWith("extra ") && !fromBase64(lines.shift().slice(6))) throw new Faulty("extra");
  if (!lines[0]?.startsWith("index ")) throw new Faulty("no index");
  const index = readCount(lines.shift().slice(6));
  const path = lines.map(fromBase64);
  if (path.length > 63 || path.some((each) => each?.length !== 32)) throw new Faulty("its path");
  return { index, path, checkpoint: text.slice(blank + 2) };
}

// RFC 9162, 2.1.3.2.
function includes(leaf, index, size, path, root) {
  if (index >= size) return false;
  let number = index, last = size - 1n, found = leaf;
  for (const each of path) {
    if (last === 0n) return false;
    if ((number & 1n) || number === last) {
      found = sha256(Uint8Array.of(1), each, found);
      while (!(number & 1n) && number) {
        number >>= 1n;
        last >>= 1n;
      }
    } else {
      found = sha256(Uint8Array.of(1), found, each);
    }
    number >>= 1n;
    last >>= 1n;
  }
  return last === 0n && same(found, root);
}

// --- entries: canonical JSON (RFC 8785) of known fields -----------------------------------------

function canonical(value, depth = 32) {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new Faulty("a number that is no integer of 53 bits");
    return String(value);
  }
  if (typeof value === "string") {
    if (!wellFormed(value)) throw new Faulty("a lone surrogate");
    return JSON.stringify(value);
  }
  if (!depth) throw new Faulty("nested too deep");
  if (Array.isArray(value)) return `[${value.map((each) => canonical(each, depth - 1)).join(",")}]`;
  const members = Object.keys(value).sort().map(
    (key) => `${canonical(key)}:${canonical(value[key], depth - 1)}`,
  );
  return `{${members.join(",")}}`;
}

function parsed(bytes) {
  const text = decoded(bytes);
  if (text === null) throw new Faulty("not UTF-8");
  try {
    return JSON.parse(text);
  } catch {
    throw new Faulty("not JSON");
  }
}

// Refuses JSON that two readers could take for two things; it has been parsed already.
function checkOnce(text) {
  const open = [];
  for (const [token] of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"(?:\s*:)?|[{}[\]]|-?[0-9][-+.0-9Ee]*/g)) {
    if (token === "{" || token === "[") {
      if (open.push(new Set()) > RULES.limits.depth) throw new Faulty("nested too deep");
    } else if (token === "}" || token === "]") {
      open.pop();
    } else if (token.endsWith(":")) {
      const name = JSON.parse(token.slice(0, -1)), told = open.at(-1);
      if (told.has(name)) throw new Faulty("a field told twice");
      told.add(name);
    } else if (token[0] !== '"' && token.length > RULES.limits.digits && !/[.eE]/.test(token)) {
      throw new Faulty("a number too long for some reader");
    }
  }
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const hasFields = (value, names) => isObject(value) && Object.keys(value).sort().join() === names;
const isIdentifier = (value) => typeof value === "string" && value !== ""
  && [...value].length <= 200 && !/[\p{C}\p{Z}]/u.test(value.replaceAll(" ", ""));

function readEntry(bytes) {
  const value = parsed(bytes);
  if (bytes.length > 65535 || !same(utf8.encode(canonical(value)), bytes)) {
    throw new Faulty("not canonical JSON");
  }
  const right = hasFields(value, "actor,at,details,event,facts,subject,v") && value.v === 1
    && hasFields(value.actor, "id,means") && isIdentifier(value.actor.id)
    && isIdentifier(value.actor.means)
    && typeof value.at === "string" && isEntryTime(value.at)
    && isIdentifier(value.event) && /^[a-z][a-z0-9-]*\.[a-z][a-z0-9-]*$/.test(value.event)
    && (value.subject === null || isIdentifier(value.subject))
    && (value.details === null || isHex(value.details)) && isObject(value.facts);
  if (!right) throw new Faulty("its fields");
  return value;
}

function isEntryTime(text) {
  const found = /^([0-9]{4})(-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z)$/.exec(text);
  // Any year from 1 is a date; which months have how many days repeats every 400 years.
  return Boolean(found) && Number(found[1]) > 0
    && moment(String(2000 + (Number(found[1]) % 400)) + found[2]) !== null;
}

// --- the record ---------------------------------------------------------------------------------

const isTime = (value) => moment(value) !== null;
const listOf = (shape) => (value) => Array.isArray(value) && value.every((each) => fits(each, shape));
const SPAN = { camera: isShort, from: isTime, to: isTime };
const MASKED = listOf({
  camera: isShort, file: isShort, size: Number.isInteger, sha256: isHex,
  made_from: listOf({ id: isShort, sha256: isHex }),
});
const FRAMES = listOf({
  camera: isShort, file: isShort, sha256: isHex, at: isTime, shown_from: isTime,
  recording: isShort, source_sha256: isHex,
});
const RECORD_SHAPE = {
  format: (value) => value === "cctv-vault/package/v1",
  made_at: isTime,
  simulated: (value) => typeof value === "boolean",
  request: { id: isShort },
  decision: { decision: (value) => ["approved", "partly-approved", "before-decision"].includes(value) },
  approved: listOf(SPAN),
  recordings: listOf({
    id: isShort, camera: isShort, file: isShort, size: Number.isInteger, sha256: isHex,
    segment_root: isHex, started_at: isTime, ended_at: isTime,
  }),
  clips: listOf({
    ...SPAN, file: isShort, sha256: isHex, delivered_from: isTime, delivered_to: isTime,
    recordings: (value) => Array.isArray(value) && value.every(isShort),
  }),
  masked: (value) => value === undefined || MASKED(value),
  frames: (value) => value === undefined || FRAMES(value),
  destroyed: (value) => value === undefined || fits(value, {
    certificates: (list) => Array.isArray(list) && list.every(isShort),
  }),
  custody: { origin: isShort },
};

function fits(value, shape) {
  if (typeof shape === "function") return shape(value);
  return isObject(value) && Object.entries(shape).every(
    ([name, part]) => fits(Object.hasOwn(value, name) ? value[name] : undefined, part));
}

const spanKey = (camera, from, to) => JSON.stringify([camera, String(moment(from)), String(moment(to))]);

function decidedOn(record, camera, starts, ends) {
  return record.approved.some((span) => {
    const from = moment(span.from), to = moment(span.to);
    return span.camera === camera && starts < to && (ends > from || starts >= from);
  });
}

// --- the checks, in the order in which each can rest on the one before --------------------------

class Check {
  constructor(pinned, allowSimulated, progress) {
    this.pinned = pinned;
    this.allowSimulated = allowSimulated;
    this.progress = progress;
    this.findings = [];
    this.digests = new Map();
    this.entries = new Map();
    this.sealings = new Map();
    this.known = {}; // what the page shows beside the findings
  }

  say(level, file, code, facts = {}, detail = "") {
    this.findings.push({ level, file, code, facts, detail });
  }

  ok(...rest) { this.say("ok", ...rest); }

  bad(...rest) { this.say("bad", ...rest); }

  note(...rest) { this.say("note", ...rest); }

  // What `attempt` gives, or undefined after a finding where it found a fault.
  async tried(file, code, attempt) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Faulty)) throw error;
      this.bad(file, code, {}, error.message);
      return undefined;
    }
  }

  async run(files) {
    this.files = files;
    await this.hashAll();
    await this.checkBag();
    const key = await this.checkKey();
    if (!key) return;
    this.known.key = key.line;
    this.known.origin = key.name;
    const statement = await this.checkStatement(key);
    const checkpoint = await this.checkCheckpoint(key);
    if (checkpoint) await this.checkEntries(key, checkpoint);
    const record = await this.readRecord();
    if (record) {
      this.known.record = record;
      this.checkIdentity(record, key, statement);
      this.checkRecordings(record);
      this.checkMasked(record);
      this.checkClips(record);
      this.checkFrames(record);
      this.checkCertificates(record);
      this.checkDecision(record);
    }
    this.note(null, "anchored-nobody", { name: key.name });
    this.note(null, "cannot-prove");
    this.note(null, "verifier-inside");
  }

  // --- the container and the bag

  async hashAll() {
    for (const path of this.files.sizes.keys()) {
      const hash = new Sha256();
      const crcWanted = this.files.crcs.get(path);
      let crc = 0;
      try {
        for await (const piece of this.files.read(path)) {
          hash.update(piece);
          if (crcWanted !== undefined) crc = crc32(piece, crc);
          await this.progress(piece.length, path);
        }
      } catch (error) {
        if (error instanceof Stopped) throw error;
        this.bad(path, "unreadable");
        continue;
      }
      if (crcWanted !== undefined && crc !== crcWanted) this.bad(path, "crc");
      this.digests.set(path, hex(hash.digest()));
    }
  }

  async checkBag() {
    for (const path of this.files.strays) this.note(path, "stray");
    const before = this.findings.length;
    const declaration = await this.text("bagit.txt");
    if (declaration !== null && declaration !== NAMED.declaration) this.bad("bagit.txt", "not-bagit");
    const paths = [...this.digests.keys()];
    const payload = paths.filter((path) => path.startsWith(NAMED.payload));
    const tags = paths.filter((path) => !path.startsWith(NAMED.payload)
      && path !== NAMED.tagManifest && path !== NAMED.note);
    this.compare(await this.manifest(NAMED.manifest), payload, NAMED.manifest);
    this.compare(await this.manifest(NAMED.tagManifest), tags, NAMED.tagManifest);
    const info = await this.text("bag-info.txt") ?? "";
    const oxum = /(?:^|\n)Payload-Oxum: ([0-9]{1,15})\.([0-9]{1,15})(?=\n|$)/.exec(info);
    const total = payload.reduce((sum, path) => sum + this.files.sizes.get(path), 0);
    if (!oxum || Number(oxum[1]) !== total || Number(oxum[2]) !== payload.length) {
      this.bad("bag-info.txt", "oxum");
    }
    if (this.findings.length === before) this.ok(null, "all-files", { count: this.digests.size });
  }

  async manifest(path) {
    const listed = new Map();
    const bytes = await this.bytes(path, RULES.limits.text);
    if (!bytes) return listed;
    return await this.tried(path, "manifest-malformed", () => {
      const text = decoded(bytes);
      if (text === null) throw new Faulty("not UTF-8");
      text.replace(/\n$/, "").split("\n").forEach((line, number) => {
        const found = /^([0-9a-f]{64}) {2}([^\n]+)$/.exec(line);
        if (!found || !isName(found[2]) || listed.has(found[2])) {
          throw new Faulty(`line ${number + 1}`);
        }
        listed.set(found[2], found[1]);
      });
      return listed;
    }) ?? new Map();
  }

  compare(listed, there, manifest) {
    const present = new Set(there);
    for (const path of [...new Set([...listed.keys(), ...there])].sort(byCodePoint)) {
      if (!present.has(path)) this.bad(path, "listed-missing", { manifest });
      else if (!listed.has(path)) this.bad(path, "unlisted", { manifest });
      else if (listed.get(path) !== this.digests.get(path)) this.bad(path, "changed", { manifest });
    }
  }

  // --- the signature

  async checkKey() {
    const text = await this.text(NAMED.key);
    if (text === null) return null;
    const key = await this.tried(NAMED.key, "key-malformed", () => readKey(text.replace(/\n$/, "")));
    if (!key) return null;
    if (!this.pinned) {
      this.note(NAMED.key, "key-not-pinned");
      return key;
    }
    const pinned = await this.tried(null, "pin-malformed", () => readKey(this.pinned.trim()));
    if (!pinned) return null;
    if (pinned.line !== key.line) this.bad(NAMED.key, "key-other");
    else this.ok(NAMED.key, "key-pinned");
    return pinned;
  }

  async checkStatement(key) {
    const note = await this.text(NAMED.note);
    if (note === null) return null;
    const statement = await this.tried(NAMED.note, "note-malformed", async () => {
      const [text, by] = await openNote(note, key);
      this.known.signedBy = by;
      const found = /^cctv-vault\/package\/v1\nrequest ([!-~]+)\nmade ([!-~]+)\ntagmanifest-sha256\.txt sha256:([0-9a-f]{64})\n[^\n]*\n$/
        .exec(text);
      if (!found) throw new Faulty("the signed statement is not one about a package");
      return { request: found[1], madeAt: found[2], tagManifest: found[3] };
    });
    if (!statement) return null;
    if (note.slice(note.lastIndexOf("\n\n") + 2).split("\n").length !== 2) {
      // Nothing covers this one file but its own signature, so it must be all there is.
      this.bad(NAMED.note, "note-more");
    } else if (statement.tagManifest !== this.digests.get(NAMED.tagManifest)) {
      this.bad(NAMED.tagManifest, "tagmanifest-unsigned");
    } else if (statement.request !== (this.files.folder ?? statement.request)) {
      this.bad(NAMED.note, "note-other-request");
    } else {
      this.ok(NAMED.note, "note-ok", { name: key.name });
    }
    return statement;
  }

  async checkCheckpoint(key) {
    const text = await this.text(NAMED.checkpoint);
    if (text === null) return null;
    const checkpoint = await this.tried(NAMED.checkpoint, "checkpoint-bad", () => openCheckpoint(text, key));
    if (!checkpoint) return null;
    this.ok(NAMED.checkpoint, "checkpoint-ok", { size: checkpoint.size });
    this.known.checkpoint = checkpoint;
    if (checkpoint.origin.endsWith(NAMED.simulatedSuffix)) {
      this.say(this.allowSimulated ? "note" : "bad", NAMED.checkpoint, "simulated");
    }
    return checkpoint;
  }

  // --- the custody log

  async checkEntries(key, checkpoint) {
    const before = this.findings.length;
    const signed = await this.text(NAMED.checkpoint);
    for (const path of this.digests.keys()) {
      if (path.startsWith("data/custody/proofs/")) {
        const found = /^data\/custody\/proofs\/(0|[1-9][0-9]{0,14})\.tlog-proof$/.exec(path);
        if (!found || !this.digests.has(`data/custody/entries/${found[1]}.json`)) {
          this.bad(path, "proof-of-nothing");
        }
      } else if (path.startsWith("data/custody/entries/")) {
        await this.checkEntry(path, key, checkpoint, signed);
      }
    }
    if (!this.entries.size) {
      this.bad(null, "no-entries");
    } else if (this.findings.length === before) {
      this.ok(null, "entries-ok", { count: this.entries.size, size: checkpoint.size });
    }
    for (const [index, entry] of this.entries) {
      if (entry.event === EVENTS.sealed) this.sealings.set(entry.subject, [index, entry]);
    }
  }

  async checkEntry(path, key, checkpoint, signed) {
    const found = /^data\/custody\/entries\/(0|[1-9][0-9]{0,14})\.json$/.exec(path);
    if (!found) {
      this.bad(path, "entry-name");
      return;
    }
    const body = await this.bytes(path, RULES.limits.small);
    const beside = `data/custody/proofs/${found[1]}.tlog-proof`;
    const text = await this.text(beside);
    if (body === null || text === null) return;
    const entry = await this.tried(path, "entry-malformed", () => readEntry(body));
    if (!entry) return;
    const proof = await this.tried(beside, "proof-bad", async () => {
      const read = readProof(text);
      // Most proofs carry the package's own checkpoint, which has been opened already.
      const head = read.checkpoint === signed ? checkpoint : await openCheckpoint(read.checkpoint, key);
      const leaf = sha256(Uint8Array.of(0), body);
      if (!includes(leaf, read.index, head.size, read.path, head.root)) {
        throw new Faulty("this entry is not in the log at that place");
      }
      return read;
    });
    if (!proof) return;
    if (proof.index !== BigInt(found[1])) this.bad(beside, "proof-place");
    else if (proof.checkpoint !== signed) this.bad(beside, "proof-other-checkpoint");
    else this.entries.set(Number(found[1]), entry);
  }

  // --- the record

  async readRecord() {
    const bytes = await this.bytes(NAMED.record, RULES.limits.text);
    if (!bytes) return null;
    return await this.tried(NAMED.record, "record-malformed", () => {
      const record = parsed(bytes);
      checkOnce(decoded(bytes));
      if (!fits(record, RECORD_SHAPE)) throw new Faulty("its fields");
      return record;
    }) ?? null;
  }

  checkIdentity(record, key, statement) {
    const before = this.findings.length;
    const request = this.files.folder ?? statement?.request ?? record.request.id;
    const made = moment(record.made_at), zipped = this.files.madeAt;
    if (record.request.id !== request) this.bad(NAMED.record, "record-other-request");
    if (record.custody.origin !== key.name) this.bad(NAMED.record, "record-other-log");
    if (record.simulated !== key.name.endsWith(NAMED.simulatedSuffix)) {
      this.bad(NAMED.record, "record-other-kind");
    }
    if (zipped !== null && (made < zipped || made - zipped >= MICROSECONDS.zipTick)) {
      this.bad(NAMED.record, "record-other-zip");
    }
    if (statement && moment(statement.madeAt) !== made) this.bad(NAMED.record, "record-other-time");
    if (this.findings.length === before) {
      this.ok(NAMED.record, "record-ok", {
        request: record.request.id, made: record.made_at.slice(0, 19).replace("T", " "),
      });
    }
  }

  // --- the footage

  checkRecordings(record) {
    for (const each of record.recordings) {
      const fault = this.originalFault(each, record);
      if (fault) this.bad(each.file, ...fault);
      else this.ok(each.file, "original-ok", { index: this.sealings.get(each.id)[0] });
    }
    this.checkTold("data/originals/", record.recordings, "original-untold");
  }

  originalFault(each, record) {
    if (!each.file.startsWith(`data/originals/${each.camera}/`)) return ["other-camera"];
    if (this.digests.get(each.file) !== each.sha256) return ["other-hash"];
    if (this.files.sizes.get(each.file) !== each.size) return ["other-size"];
    const sealed = this.sealings.get(each.id);
    if (!sealed) return ["unsealed"];
    const other = ["sha256", "size", "camera", "segment_root"]
      .filter((name) => sealed[1].facts[name] !== each[name]);
    if (other.length) return ["entry-differs", { fields: other.join(", ") }];
    if (!decidedOn(record, each.camera, moment(each.started_at), moment(each.ended_at))) {
      return ["outside-decision"];
    }
    return null;
  }

  checkMasked(record) {
    const films = record.masked ?? [];
    for (const each of films) {
      const added = this.declared(each, record);
      const fault = this.maskedFault(each, record, added);
      if (fault) this.bad(each.file, fault);
      else this.ok(each.file, "masked-ok", { index: added });
    }
    this.checkTold("data/masked/", films, "masked-untold");
  }

  maskedFault(each, record, added) {
    if (this.digests.get(each.file) !== each.sha256) return "other-hash";
    if (this.files.sizes.get(each.file) !== each.size) return "other-size";
    if (added === undefined) return "masked-undeclared";
    const right = each.made_from.every(({ id, sha256: source }) => {
      const facts = this.sealings.get(id)?.[1].facts;
      return facts?.sha256 === source && facts.camera === each.camera;
    });
    if (!right) return "masked-source";
    return record.approved.some(({ camera }) => camera === each.camera) ? "" : "outside-decision";
  }

  // The last entry that added this film to the request as a masked one.
  declared({ camera, sha256: hash }, record) {
    return [...this.entries].filter(([, { subject, event, facts }]) => subject === record.request.id
      && event === EVENTS.fileAdded && facts.kind === "masked" && facts.camera === camera
      && facts.sha256 === hash).map(([index]) => index).sort((a, b) => a - b).at(-1);
  }

  checkClips(record) {
    const originals = new Set(record.recordings.map(({ id }) => id));
    const spans = new Set(record.approved.map((span) => spanKey(span.camera, span.from, span.to)));
    for (const clip of record.clips) {
      const early = moment(clip.from) - moment(clip.delivered_from);
      const late = moment(clip.delivered_to) - moment(clip.to);
      if (this.digests.get(clip.file) !== clip.sha256) {
        this.bad(clip.file, "other-hash");
      } else if (!spans.has(spanKey(clip.camera, clip.from, clip.to))) {
        this.bad(clip.file, "clip-undecided");
      } else if (early > MICROSECONDS.keyframe || late > MICROSECONDS.lastPicture) {
        this.bad(clip.file, "clip-more");
      } else {
        this.ok(clip.file, "clip-ok");
        if (early > 0n) {
          this.note(clip.file, "clip-early", { seconds: Number((early + 999999n) / 1000000n) });
        }
        if (!clip.recordings.every((id) => originals.has(id))) {
          this.note(clip.file, "clip-without-original");
        }
      }
    }
    this.checkTold("data/clips/", record.clips, "clip-untold");
  }

  checkFrames(record) {
    const originals = new Set(record.recordings.map(({ id }) => id));
    const frames = record.frames ?? [];
    for (const each of frames) {
      const chosen = this.chosen(each, record);
      const fault = this.frameFault(each, record, chosen);
      if (fault) {
        this.bad(each.file, fault);
        continue;
      }
      this.ok(each.file, "frame-ok", { index: chosen, sealed: this.sealings.get(each.recording)[0] });
      if (!originals.has(each.recording)) this.note(each.file, "clip-without-original");
    }
    this.checkTold("data/frames/", frames, "frame-untold");
  }

  frameFault(each, record, chosen) {
    const at = moment(each.at), stood = at - moment(each.shown_from);
    if (this.digests.get(each.file) !== each.sha256) return "other-hash";
    if (!decidedOn(record, each.camera, at, at)) return "outside-decision";
    if (chosen === undefined) return "frame-unchosen";
    const facts = this.sealings.get(each.recording)?.[1].facts;
    if (facts?.sha256 !== each.source_sha256 || facts.camera !== each.camera) return "frame-source";
    return stood < -MICROSECONDS.frameEarly || stood > MICROSECONDS.lastPicture ? "frame-elsewhere" : "";
  }

  // The last entry by which this moment was chosen for the request.
  chosen({ camera, at }, record) {
    return [...this.entries].filter(([, { subject, event, facts }]) => subject === record.request.id
      && event === EVENTS.frameChosen && facts.camera === camera
      && moment(facts.at) === moment(at)).map(([index]) => index).sort((a, b) => a - b).at(-1);
  }

  // Each certificate that is told of was issued, as a proven entry says.
  checkCertificates(record) {
    const issued = new Map([...this.entries].sort(([a], [b]) => a - b)
      .filter(([, { event }]) => event === EVENTS.certificateIssued)
      .map(([index, { subject }]) => [subject, index]));
    for (const certificate of record.destroyed?.certificates ?? []) {
      if (issued.has(certificate)) {
        this.ok(NAMED.record, "certificate-ok", { certificate, index: issued.get(certificate) });
      } else {
        this.bad(NAMED.record, "certificate-unproven", { certificate });
      }
    }
  }

  checkTold(folder, parts, code) {
    const told = new Set(parts.map(({ file }) => file));
    for (const path of this.digests.keys()) {
      if (path.startsWith(folder) && !told.has(path)) this.bad(path, code);
    }
  }

  // --- the decision

  checkDecision(record) {
    if (record.decision.decision === "before-decision") {
      this.note(NAMED.record, "before-decision");
      return;
    }
    const mine = [...this.entries].filter(([, entry]) => entry.subject === record.request.id);
    const approvals = mine.filter(([, entry]) => EVENTS.approving.includes(entry.event));
    if (!approvals.length) {
      this.bad(NAMED.record, "no-approval");
      return;
    }
    const [index, approval] = approvals.reduce((a, b) => (a[0] > b[0] ? a : b));
    const decided = new Set(record.approved.map((span) => spanKey(span.camera, span.from, span.to)));
    const told = Array.isArray(approval.facts.windows)
      && approval.facts.windows.every((span) => fits(span, SPAN))
      && new Set(approval.facts.windows.map((span) => spanKey(span.camera, span.from, span.to)));
    const handled = mine.some(([, entry]) => EVENTS.handling.includes(entry.event)
      && entry.actor.id === approval.actor.id);
    if (!told || told.size !== decided.size || [...told].some((span) => !decided.has(span))) {
      this.bad(NAMED.record, "approved-other", { index });
    } else if (handled) {
      this.bad(NAMED.record, "approver-handled", { index });
    } else {
      this.ok(NAMED.record, "approved", { index });
    }
    if (mine.some(([, entry]) => entry.actor.means === "asserted")) this.note(NAMED.record, "asserted");
  }

  // --- reading

  async bytes(path, most) {
    if (!this.digests.has(path)) {
      this.bad(path, "missing");
      return null;
    }
    if (this.files.sizes.get(path) > most) {
      this.bad(path, "too-large");
      return null;
    }
    const parts = [];
    for await (const piece of this.files.read(path)) parts.push(piece.slice());
    return joined(...parts);
  }

  async text(path) {
    const bytes = await this.bytes(path, RULES.limits.small);
    if (bytes === null) return null;
    const text = decoded(bytes);
    if (text === null) this.bad(path, "not-utf8");
    return text;
  }
}

class Stopped extends Error {}

// Verify a package: `open` gives its files. Nothing it reads makes this throw, only a stop does.
async function verify(
  open, { pinned = "", allowSimulated = false, unlocked = false, progress = async () => {} } = {},
) {
  const check = new Check(pinned, allowSimulated, progress);
  if (unlocked) check.ok(null, "unlocked");
  try {
    await check.run(await open());
  } catch (error) {
    if (error instanceof Stopped) throw error;
    const known = error instanceof NotAPackage;
    check.bad(null, known ? "not-a-package" : "unreadable", {}, known ? error.message : String(error?.name));
  }
  return {
    sound: check.findings.every(({ level }) => level !== "bad"),
    findings: check.findings,
    known: check.known,
    files: check.digests.size,
    opened: check.files,
  };
}

function sentence({ code, facts }, language) {
  return filled(RULES.sentences[code][language], facts);
}

function filled(text, facts) {
  return text.replace(/\{(\w+)\}/g, (_, name) => String(facts[name]));
}
