import { DataError, type DataSource, type Part } from './data-source.ts'
import { quoted } from './near-names.ts'

/** A part that is another one after each of so many reads has no state to show. */
const MAX_ATTEMPTS = 3

type PartAsk = {
  part: Part
  /** The version that is wanted, and no other; `undefined`: as it is now. */
  known: string | undefined
  signal: AbortSignal
}

/**
 * Read something of a part as it is now, once more where it changed meanwhile.
 * @param read gets the version of the part that it reads
 * @throws DataError `changed` where the part is another one than wanted, or does not hold still
 */
export function readPart<Value>(
  source: DataSource,
  { part, known, signal }: PartAsk,
  read: (version: string) => Promise<Value>,
): Promise<Value> {
  return whileUnchanged(source, signal, async () => {
    const version = await source.partVersion(part, signal)
    if (known !== undefined && known !== version) throw changedSince(part)
    return read(version)
  })
}

/** Read once more what changed while it was read, after a look at what there is now. */
export async function whileUnchanged<Value>(
  source: DataSource,
  signal: AbortSignal,
  read: () => Promise<Value>,
): Promise<Value> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await read()
    } catch (error) {
      if (!(error instanceof DataError && error.code === 'changed') || attempt === MAX_ATTEMPTS) throw error
      await source.refresh(signal)
    }
  }
}

export function changedSince(part: Part): DataError {
  const what = part.in === 'matrix' ? 'The matrix' : `${part.in} ${quoted(part.key)}`
  return new DataError(
    'changed',
    `${what} changed since this page read it. Press "Read again", or run viewer.refresh().`,
  )
}
