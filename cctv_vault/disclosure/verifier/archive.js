// The files of a package, out of the zip or the unpacked folder somebody brought. As strict as
// the writer: every header is rebuilt from what was found and compared, so that no byte outside
// the files' own content can differ unnoticed. Nothing is unpacked; memory stays flat.

class NotAPackage extends Error {}

const LIMIT = 0xffffffff;
const PIECE = 1024 * 1024;
const TAIL = 56 + 20 + 22;
const utf8 = new TextEncoder();
const READS_INTO = (() => {
  try {
    return Boolean(new Blob().stream().getReader({ mode: "byob" }));
  } catch {
    return false; // older browsers read slices
  }
})();

function decoded(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

function same(a, b) {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

async function cutOut(file, from, length) {
  const bytes = new Uint8Array(await file.slice(from, from + length).arrayBuffer());
  if (bytes.length !== length) throw new NotAPackage("the file ends too early");
  return bytes;
}

// Little-endian numbers after one another: [bytes of the number, number]…
function packed(...fields) {
  const view = new DataView(new ArrayBuffer(fields.reduce((all, [size]) => all + size, 0)));
  let at = 0;
  for (const [size, value] of fields) {
    if (size === 2) view.setUint16(at, value, true);
    else if (size === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += size;
  }
  return new Uint8Array(view.buffer);
}

function joined(...parts) {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function large(view, at) {
  const value = Number(view.getBigUint64(at, true));
  if (!Number.isSafeInteger(value)) throw new NotAPackage("a number is too large");
  return value;
}

const versionOf = (member) => (member.large ? 45 : 20);
const flagsOf = (member) => 0x0800 | (member.later ? 0x0008 : 0);

function localHeader(member, stamp) {
  const name = utf8.encode(member.name);
  const sizes = member.large ? [0, LIMIT, LIMIT]
    : member.later ? [0, 0, 0] : [member.crc, member.size, member.size];
  const extra = member.large ? packed([2, 1], [2, 16], [8, 0], [8, 0]) : new Uint8Array();
  return joined(
    packed([4, 0x04034b50], [2, versionOf(member)], [2, flagsOf(member)], [2, 0], [4, stamp],
      ...sizes.map((size) => [4, size]), [2, name.length], [2, extra.length]),
    name, extra);
}

function descriptor(member) {
  const size = member.large ? 8 : 4;
  return packed([4, 0x08074b50], [4, member.crc], [size, member.size], [size, member.size]);
}

function centralHeader(member, stamp) {
  const name = utf8.encode(member.name);
  const wide = member.large || member.header >= LIMIT;
  const extra = wide
    ? packed([2, 1], [2, 24], [8, member.size], [8, member.size], [8, member.header])
    : new Uint8Array();
  const size = wide ? LIMIT : member.size;
  return joined(
    packed([4, 0x02014b50], [2, 0x032d], [2, versionOf(member)], [2, flagsOf(member)], [2, 0],
      [4, stamp], [4, member.crc], [4, size], [4, size], [2, name.length], [2, extra.length],
      [2, 0], [2, 0], [2, 0], [4, 0x81a40000], [4, wide ? LIMIT : member.header]),
    name, extra);
}

function endOf(count, start, length) {
  const short = Math.min(count, 0xffff);
  return packed(
    [4, 0x06064b50], [8, 44], [2, 0x032d], [2, 45], [4, 0], [4, 0], [8, count], [8, count],
    [8, length], [8, start],
    [4, 0x07064b50], [4, 0], [8, start + length], [4, 1],
    [4, 0x06054b50], [2, 0], [2, 0], [2, short], [2, short], [4, LIMIT], [4, LIMIT], [2, 0]);
}

// A name as some system may take it for another: whatever its case and its accents' form.
const alike = (name) => name.toLowerCase().toUpperCase().toLowerCase().normalize("NFC");

// By code points, not by the halves that JavaScript keeps them in.
function byCodePoint(a, b) {
  const left = [...a], right = [...b];
  const at = left.findIndex((each, i) => each !== right[i]);
  if (at < 0) return left.length - right.length;
  return at < right.length ? left[at].codePointAt(0) - right[at].codePointAt(0) : 1;
}

function isName(name) {
  return name === name.normalize("NFC") && !/[\x00-\x1f\x7f-\x9f\\:*?"<>|]/.test(name) && utf8.encode(name).length <= 1024
    && name.split("/").every((part) => part && !/^ |[. ]$/.test(part));
}

function checkedName(name) {
  if (!isName(name)) throw new NotAPackage("a name could lead outside the package");
  return name;
}

function readCentral(directory, at, number) {
  const broken = new NotAPackage(`member ${number}: its directory entry is malformed`);
  if (at + 46 > directory.length) throw broken;
  const view = new DataView(directory.buffer, directory.byteOffset + at);
  const nameLength = view.getUint16(28, true), extraLength = view.getUint16(30, true);
  const used = 46 + nameLength + extraLength;
  if (view.getUint32(0, true) !== 0x02014b50 || at + used > directory.length) throw broken;
  const name = decoded(directory.subarray(at + 46, at + 46 + nameLength));
  if (name === null) throw broken;
  const member = {
    name: checkedName(name),
    crc: view.getUint32(16, true),
    size: view.getUint32(24, true),
    header: view.getUint32(42, true),
    later: Boolean(view.getUint16(8, true) & 0x0008),
    large: view.getUint16(6, true) === 45,
  };
  if (extraLength === 28) {
    member.size = large(view, 46 + nameLength + 12);
    member.header = large(view, 46 + nameLength + 20);
  }
  return { member, used, stamp: view.getUint32(12, true) };
}

async function readMembers(file) {
  if (file.size < TAIL) throw new NotAPackage("the file is too short to be a package");
  const end = file.size - TAIL;
  const tail = await cutOut(file, end, TAIL);
  const view = new DataView(tail.buffer);
  const count = large(view, 32), length = large(view, 40), start = large(view, 48);
  if (start > end || length > Math.min(end, 256 * 1024 * 1024) || count > 1000000) {
    throw new NotAPackage("the end of the zip is not whole");
  }
  if (!same(tail, endOf(count, start, length))) throw new NotAPackage("the end of the zip was changed");
  if (start + length !== end) throw new NotAPackage("the zip directory does not end where it should");
  const directory = await cutOut(file, start, length);
  const members = [];
  let at = 0, position = 0, stamp = 0;
  for (let number = 0; number < count; number++) {
    const found = readCentral(directory, at, number);
    const member = found.member;
    if (!number) stamp = found.stamp;
    if (member.header !== position) throw new NotAPackage(`bytes lie before ${member.name}`);
    const header = localHeader(member, stamp);
    const behind = member.later ? descriptor(member) : new Uint8Array();
    member.offset = position + header.length;
    position = member.offset + member.size + behind.length;
    if (position > start) throw new NotAPackage(`${member.name}: its size reaches too far`);
    if (!same(await cutOut(file, member.header, header.length), header)
      || !same(await cutOut(file, member.offset + member.size, behind.length), behind)
      || !same(directory.subarray(at, at + found.used), centralHeader(member, stamp))) {
      throw new NotAPackage(`${member.name}: its headers were changed`);
    }
    members.push(member);
    at += found.used;
  }
  if (at !== length || position !== start) throw new NotAPackage("bytes belong to no member");
  if (new Set(members.map(({ name }) => alike(name))).size !== count) {
    throw new NotAPackage("the zip holds two members of one name");
  }
  return { members, stamp };
}

// The time of a zip's headers in microseconds since 1970, UTC.
function momentOf(stamp) {
  const date = stamp >>> 16, time = stamp & 0xffff;
  const fields = [1980 + (date >> 9), (date >> 5 & 15) - 1, date & 31, time >> 11, time >> 5 & 63,
    (time & 31) * 2];
  const moment = new Date(Date.UTC(...fields));
  if (moment.getUTCMonth() !== fields[1] || moment.getUTCDate() !== fields[2]
    || fields[3] > 23 || fields[4] > 59 || fields[5] > 59) {
    throw new NotAPackage("the zip's time stamp is no time");
  }
  return BigInt(moment.getTime()) * 1000n;
}

// In pieces; where the browser can, all of them lie one after another in the same megabyte of
// memory, so that however large the file is nothing waits to be thrown away.
async function* pieces(file, from, size) {
  if (!READS_INTO || size <= PIECE || !(file instanceof Blob)) {
    for (let at = 0; at < size; at += PIECE) {
      yield cutOut(file, from + at, Math.min(PIECE, size - at));
    }
    return;
  }
  const reader = file.slice(from, from + size).stream().getReader({ mode: "byob" });
  let memory = new ArrayBuffer(PIECE), left = size;
  try {
    for (;;) {
      const { value, done } = await reader.read(new Uint8Array(memory));
      if (done) break;
      left -= value.length;
      yield value;
      memory = value.buffer;
    }
  } finally {
    reader.cancel().catch(() => {}); // of one that is read to its end, nothing is left to cancel
  }
  if (left) throw new NotAPackage("the file ends too early");
}

// Both have: folder, madeAt, sizes (Map of path to bytes), crcs, strays, read(path).
async function openZip(file) {
  const { members, stamp } = await readMembers(file);
  const folders = new Set(members.map(({ name }) => name.split("/")[0]));
  if (folders.size !== 1 || members.some(({ name }) => !name.includes("/"))) {
    throw new NotAPackage("the zip must hold exactly one folder");
  }
  const inside = new Map(members.map((m) => [m.name.slice(m.name.indexOf("/") + 1), m]));
  return {
    folder: [...folders][0],
    madeAt: momentOf(stamp),
    sizes: new Map([...inside].map(([path, member]) => [path, member.size])),
    crcs: new Map([...inside].map(([path, member]) => [path, member.crc])),
    strays: [],
    read: (path) => pieces(file, inside.get(path).offset, inside.get(path).size),
  };
}

// `files` are [path below the chosen folder, File].
function openFolder(files) {
  const byPath = new Map(), strays = [];
  for (const [name, file] of files) {
    // Some systems store an accent apart from its letter; the package writes them as one.
    const path = checkedName(name.normalize("NFC"));
    if (new RegExp(`^(?:${RULES.files.stray})$`, "i").test(name.split("/").at(-1))) strays.push(path);
    else if (byPath.has(path)) throw new NotAPackage("the folder holds two files of one name");
    else byPath.set(path, file);
  }
  const paths = [...byPath.keys()].sort(byCodePoint);
  return {
    folder: null,
    madeAt: null,
    sizes: new Map(paths.map((path) => [path, byPath.get(path).size])),
    crcs: new Map(),
    strays: strays.sort(byCodePoint),
    read: (path) => pieces(byPath.get(path), 0, byPath.get(path).size),
  };
}
