// Saving what an encrypted package holds, once it was opened and verified. Small files go where the
// browser puts downloads; a large one is written where the reader says, piece by piece, in browsers
// that can, so that it never lies in memory whole.

const LARGE = 256 * 1024 * 1024;
const LATER = 60000;

async function* wholeOf(file) {
  yield* pieces(file, 0, file.size);
}

async function save(name, size, read) {
  if (size > LARGE && "showSaveFilePicker" in globalThis) {
    const handle = await globalThis.showSaveFilePicker({ suggestedName: name });
    const out = await handle.createWritable();
    try {
      for await (const piece of read()) await out.write(piece);
    } catch (error) {
      await out.abort();
      throw error;
    }
    await out.close();
    return;
  }
  const parts = [];
  for await (const piece of read()) parts.push(new Blob([piece]));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(parts));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), LATER);
}
