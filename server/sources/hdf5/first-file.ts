import { fileURLToPath } from 'node:url'

/** A small AnnData of ours: what a bundle has to bring beside itself. `scripts/first-file.py` writes it. */
export const FIRST_FILE = 'first-file.h5ad'

/** Where it is, beside this source or beside the bundle. */
export function firstFilePath(): string {
  return fileURLToPath(new URL(`./${FIRST_FILE}`, import.meta.url))
}
